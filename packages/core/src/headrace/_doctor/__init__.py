"""Finds missing or broken set-up, in the source of a project or in its live objects."""
