"""What ends a command: a message, and status 2."""

from __future__ import annotations


class CommandError(Exception):
    """Something is wrong with what the command was given; the message says what to do."""
