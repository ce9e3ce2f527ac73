"""Which folders hold the source of a program."""

from __future__ import annotations

import os
from collections.abc import Callable

_NEVER = frozenset(["__pycache__", "node_modules"])
# Created by tools, unless the folder is a package of the program.
_MADE = frozenset(["__pypackages__", "_build", "build", "dist", "site-packages"])


def is_source_folder(path: str, exists: Callable[[str], bool] = os.path.exists) -> bool:
    """Return whether the folder `path` may hold source code of the program around it.

    Hidden folders, virtual environments and folders that tools create do not.

    Args:
        path: the folder.
        exists: returns whether a file exists; pass another for a tree that is not on disk.
    """
    name = os.path.basename(path)
    if name.startswith(".") or name in _NEVER or exists(os.path.join(path, "pyvenv.cfg")):
        return False
    return name not in _MADE or exists(os.path.join(path, "__init__.py"))
