"""If an automated tool gets this IAM role, what can it destroy, and what stops it?

From Python, ask `rolelint.engine` about roles that `rolelint.lint.load_roles` reads: see docs/python.md.
"""

__version__ = "0.1.0"
