"""``[tool.headrace.check]`` in ``pyproject.toml``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from headrace import commands


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line does not say.

    Attributes:
        folder: the folder of ``pyproject.toml``, or the current one where there is none.
        paths: the files and folders to check.
        exclude: patterns of those to leave out.
        strict: whether what is unresolved fails.
    """

    folder: Path
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    strict: bool = False

    @property
    def cache(self) -> Path:
        """The folder in which what was found is kept for the next time."""
        return self.folder / ".headrace_cache"


def read_settings() -> Settings:
    """Return what the ``pyproject.toml`` nearest to the current folder says.

    Raises:
        CommandError: it cannot be read, or says what nobody understands.
    """
    try:
        here = Path.cwd()
    except OSError as error:
        message = f"the current folder cannot be found: {error.strerror}"
        raise commands.CommandError(message) from error
    folder, values = commands.read_settings("check", _KINDS, here)
    if folder is None:
        return Settings(here)
    return Settings(
        folder,
        tuple(_from_here(folder, path) for path in values.get("paths", ())),
        tuple(_pattern(folder, pattern) for pattern in values.get("exclude", ())),
        values.get("strict", False),
    )


_KINDS: dict[str, type] = {"paths": tuple, "exclude": tuple, "strict": bool}


def _pattern(folder: Path, pattern: str) -> str:
    """Return a pattern for names as it is, and one for paths as seen from the current folder."""
    return _from_here(folder, pattern) if "/" in pattern.rstrip("/") else pattern


def _from_here(folder: Path, path: str) -> str:
    return os.path.relpath(os.path.join(folder, path))
