"""Tests of `rolelint/sources/`."""
