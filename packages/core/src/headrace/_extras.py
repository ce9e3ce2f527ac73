"""Optional libraries that are missing: the error names the extra that brings them."""

from __future__ import annotations


def missing_extra(what: str, library: str, install: str, error: ModuleNotFoundError) -> ImportError:
    """Return the error to raise where `what` needs a library that is not installed.

    Args:
        what: what needs it.
        library: its name, as people write it.
        install: what to install, as one writes it after ``pip install``.
        error: what Python said.
    """
    return ImportError(f"{what} needs {library}: pip install {install}", name=error.name)
