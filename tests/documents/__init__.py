"""Tests of `rolelint/documents/`."""
