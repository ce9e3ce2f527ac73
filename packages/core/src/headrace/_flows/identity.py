"""Identity of declarations: importing a module twice declares each step once."""

from __future__ import annotations

import os
import sys


def overrides(owner: type | None, other_owner: type | None) -> bool:
    if owner is None or other_owner is None:
        return False
    other = _class_identity(other_owner)
    return any(is_same(_class_identity(base), other) for base in owner.__mro__)


def _class_identity(cls: type) -> tuple[str, str, str]:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return cls.__module__, file, cls.__qualname__


def is_same(one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    """Return whether two definitions are the same, by module, file and qualified name."""
    module, file, qualname = one
    other_module, other_file, other_qualname = other
    # The file counts too: a script may be imported again under its module name.
    return qualname == other_qualname and (
        module == other_module or _is_same_file(file, other_file)
    )


def _is_same_file(file: str, other: str) -> bool:
    if not file or file.startswith("<"):  # "<string>" and "<stdin>" are not files
        return False
    return file == other or os.path.realpath(file) == os.path.realpath(other)
