"""Errors, except those of chains."""

from __future__ import annotations


class HeadraceError(Exception):
    """The base class of headrace's errors."""


class OutsideFlowError(HeadraceError, RuntimeError):
    """A unit of work is required, and none is active."""


class UnknownFlowError(HeadraceError, KeyError):
    """No flow with this name is declared."""

    def __str__(self) -> str:
        """Return the message; `KeyError` would quote it."""
        return str(self.args[0]) if self.args else ""


class DuplicateStepError(HeadraceError, ValueError):
    """A flow declares two different functions under the same step name."""
