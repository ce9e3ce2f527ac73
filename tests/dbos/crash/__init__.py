"""Seeded histories of processes that are killed in the middle of durable runs."""
