"""Tests of `rolelint/cli/`."""
