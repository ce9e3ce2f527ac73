"""Log records that carry the context they were made in."""
