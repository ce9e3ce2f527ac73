"""The error that ends a command with a message and status 2."""

from __future__ import annotations


class CommandError(Exception):
    """The input of a command is invalid; the message says what to do."""
