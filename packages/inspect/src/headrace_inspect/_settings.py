"""``[tool.headrace.check]`` in ``pyproject.toml``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace import commands

SUCCESSORS = {"strict": "require-shown", "suggest": "headrace discover --declare FLOW"}
"""What took the place of options and settings that are gone."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line does not say.

    Attributes:
        folder: the folder of ``pyproject.toml``, or the current one if there is none.
        paths: the files and folders to check.
        exclude: patterns of those to leave out.
        require_shown: whether an edge that is not shown is a finding, or in which flows it is.
        disable: the codes of findings that are not wanted.
        evidence: a file with what tests ran, or None.
        accept: intended findings, by code and what they are about.
    """

    folder: Path
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    require_shown: bool | tuple[str, ...] = False
    disable: tuple[str, ...] = ()
    evidence: str | None = None
    accept: tuple[str, ...] = ()

    @property
    def cache(self) -> Path:
        """The folder in which what was found is kept for the next time."""
        return self.folder / ".headrace_cache"


def read_check_settings() -> Settings:
    """Return what the ``pyproject.toml`` nearest to the current folder says.

    Raises:
        CommandError: it cannot be read, or has settings that do not exist.
    """
    try:
        here = Path.cwd()
    except OSError as error:
        message = f"the current folder cannot be found: {error.strerror}"
        raise commands.CommandError(message) from error
    folder, values = commands.read_pyproject("check", _KINDS, here)
    if folder is None:
        return Settings(here)
    return Settings(
        folder,
        tuple(_from_here(folder, path) for path in values.get("paths", ())),
        tuple(_pattern(folder, pattern) for pattern in values.get("exclude", ())),
        _flows(folder, values),
        values.get("disable", ()),
        _from_here(folder, values["evidence"]) if "evidence" in values else None,
        values.get("accept", ()),
    )


_KINDS: dict[str, type] = {
    "paths": tuple, "exclude": tuple, "require-shown": object, "disable": tuple, "accept": tuple,
    "evidence": str, "strict": object,
}  # fmt: skip


def _flows(folder: Path, values: dict[str, Any]) -> bool | tuple[str, ...]:
    where = f"{folder}/pyproject.toml: [tool.headrace.check]"
    if "strict" in values:
        raise commands.CommandError(f"{where}: strict is now {SUCCESSORS['strict']}")
    match values.get("require-shown", False):
        case bool(value):
            return value
        case str(flow):
            return (flow,)
        case [*flows] if all(isinstance(flow, str) for flow in flows):
            return tuple(flows)
        case value:
            message = f"require-shown is true, false, or the names of flows, not {value!r}"
            raise commands.CommandError(f"{where}: {message}")


def _pattern(folder: Path, pattern: str) -> str:
    """Return a pattern for names as it is, and one for paths as seen from the current folder."""
    return _from_here(folder, pattern) if "/" in pattern.rstrip("/") else pattern


def _from_here(folder: Path, path: str) -> str:
    return os.path.relpath(os.path.join(folder, path))
