"""Deprecation warnings, at the line of the program that they concern."""

from __future__ import annotations

import sys
import warnings


def warn_deprecated(message: str) -> None:
    """Issue a `DeprecationWarning` for the nearest caller outside headrace's packages."""
    level, frame = 1, sys._getframe()  # noqa: SLF001 - the module `inspect` takes long to import
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("headrace"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeprecationWarning, stacklevel=level)
