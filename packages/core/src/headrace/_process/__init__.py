"""Process-wide concerns: clock, locks, forks and import path."""
