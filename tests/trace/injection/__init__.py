"""Faults in the demo's system on Redis, and what the audit says of them."""
