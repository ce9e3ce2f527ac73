"""Headers between processes."""
