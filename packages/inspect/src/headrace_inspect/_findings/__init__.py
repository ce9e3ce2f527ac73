"""Errors: what is certain from names and declarations."""
