"""The process itself: its clock, locks, forks and import path."""
