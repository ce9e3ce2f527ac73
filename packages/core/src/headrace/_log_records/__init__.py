"""Log records that carry the context in which they were created."""
