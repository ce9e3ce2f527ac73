"""The errors that are not about chains."""

from __future__ import annotations


class HeadraceError(Exception):
    """The base of headrace's own errors."""


class OutsideFlowError(HeadraceError, RuntimeError):
    """Something that needs a unit of work was used outside of any."""


class UnknownFlowError(HeadraceError, KeyError):
    """No flow of this name has been declared."""

    def __str__(self) -> str:
        """Give the message as it is; `KeyError` would quote it."""
        return str(self.args[0]) if self.args else ""


class DuplicateStepError(HeadraceError, ValueError):
    """Two different functions were declared under one step name of one flow."""
