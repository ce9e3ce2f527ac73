"""Errors for missing optional libraries, which name the extra to install."""

from __future__ import annotations


def missing_extra(what: str, library: str, install: str, error: ModuleNotFoundError) -> ImportError:
    """Return the error to raise if `what` needs a library that is not installed.

    Args:
        what: the feature that needs it.
        library: the library's usual name.
        install: the argument of ``pip install``.
        error: the original error.
    """
    return ImportError(f"{what} needs {library}: pip install {install}", name=error.name)
