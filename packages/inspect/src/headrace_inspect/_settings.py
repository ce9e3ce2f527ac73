"""``[tool.headrace.check]`` in ``pyproject.toml``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.commands import CommandError, read_pyproject

_KINDS: dict[str, type] = {
    "paths": tuple, "exclude": tuple, "require-shown": object, "disable": tuple, "accept": tuple,
    "evidence": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line does not say; paths are as seen from the current folder."""

    cache: Path
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    require_shown: bool | tuple[str, ...] = False
    disable: tuple[str, ...] = ()
    evidence: str | None = None
    accept: tuple[str, ...] = ()


def read_check_settings() -> Settings:
    """Return what the ``pyproject.toml`` nearest to the current folder says.

    Raises:
        CommandError: it cannot be read, or has settings that do not exist.
    """
    try:
        here = Path.cwd()
    except OSError as error:
        raise CommandError(f"the current folder cannot be found: {error.strerror}") from error
    folder, values = read_pyproject("check", _KINDS, here)
    if folder is None:
        return Settings(here / ".headrace_cache")

    def from_here(path: str) -> str:
        return os.path.relpath(os.path.join(folder, path))

    return Settings(
        folder / ".headrace_cache",
        tuple(map(from_here, values.get("paths", ()))),
        # A pattern without a slash is for names.
        tuple(
            from_here(one) if "/" in one.rstrip("/") else one for one in values.get("exclude", ())
        ),
        _flows(folder, values.get("require-shown", False)),
        values.get("disable", ()),
        from_here(values["evidence"]) if "evidence" in values else None,
        values.get("accept", ()),
    )


def _flows(folder: Path, value: Any) -> bool | tuple[str, ...]:
    match value:
        case bool():
            return value
        case str():
            return (value,)
        case [*flows] if all(isinstance(flow, str) for flow in flows):
            return tuple(flows)
    message = f"require-shown is true, false, or the names of flows, not {value!r}"
    raise CommandError(f"{folder}/pyproject.toml: [tool.headrace.check]: {message}")
