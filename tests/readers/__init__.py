"""Tests of `rolelint/readers/`."""
