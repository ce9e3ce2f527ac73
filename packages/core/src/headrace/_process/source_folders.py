"""Which folders hold the source of a program."""

from __future__ import annotations

import os
from collections.abc import Callable

_NEVER = frozenset(["__pycache__", "node_modules"])
# Made by tools, unless it is a package of the program.
_MADE = frozenset(["__pypackages__", "_build", "build", "dist", "site-packages"])


def is_source_folder(path: str, exists: Callable[[str], bool] = os.path.exists) -> bool:
    """Return whether the folder `path` may hold source of the program that it is in.

    Hidden folders, virtual environments, and what tools make do not.

    Args:
        path: the folder.
        exists: tells whether a file exists, for trees that are not on disk.
    """
    name = os.path.basename(path)
    if name.startswith(".") or name in _NEVER or exists(os.path.join(path, "pyvenv.cfg")):
        return False
    return name not in _MADE or exists(os.path.join(path, "__init__.py"))
