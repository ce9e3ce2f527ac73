"""Chains: pipelines of steps with retries, deadlines, validation and undo."""
