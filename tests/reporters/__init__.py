"""Tests of `rolelint/reporters/`."""
