"""Identity of declarations: a module imported twice declares no second step."""

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
    """Tell whether two definitions, given by module, file and qualified name, are the same."""
    module, file, qualname = one
    other_module, other_file, other_qualname = other
    # The file counts as well as the module: a script may be imported again under its own name.
    return qualname == other_qualname and (
        module == other_module or _is_same_file(file, other_file)
    )


def _is_same_file(file: str, other: str) -> bool:
    if not file or file.startswith("<"):  # "<string>" and "<stdin>" are no files
        return False
    return file == other or os.path.realpath(file) == os.path.realpath(other)
