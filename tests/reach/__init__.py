"""Real damage and unused power."""
