"""Propagation of the context between processes, in headers."""
