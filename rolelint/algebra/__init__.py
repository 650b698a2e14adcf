"""Exact sets of strings, numbers, dates and addresses."""
