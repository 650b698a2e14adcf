"""If an automated tool gets this IAM role, what can it destroy, and what stops it?"""

__version__ = "0.1.0"
