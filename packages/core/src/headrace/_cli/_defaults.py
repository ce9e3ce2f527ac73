"""The defaults of the command line: ``[tool.headrace]`` in the nearest ``pyproject.toml``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._render import check_format

from ._errors import CommandError


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the command line does not say.

    Attributes:
        folder: where the file stands, or None.
        app: the modules that declare flows.
        flows: the flows to draw.
        format: how.
        style: in which style.
    """

    folder: Path | None = None
    app: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    format: str | None = None
    style: str = "plain"


def read_defaults(start: Path) -> Defaults:
    """Return what the ``pyproject.toml`` nearest to the folder `start` says.

    Raises:
        CommandError: it cannot be read, or says what nobody understands.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _parsed(path)
    return Defaults()


def _parsed(path: Path) -> Defaults:
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("headrace", {})
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot read {path}: {error}") from error
    # Tables within belong to other commands.
    given = {key: value for key, value in table.items() if not isinstance(value, dict)}
    for key in given:
        if key not in _READERS:
            near = difflib.get_close_matches(key, [*_READERS], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_READERS)}"
            raise CommandError(f"{path}: [tool.headrace] has no setting {key!r}; {hint}")
    try:
        values = {key: _READERS[key](key, value) for key, value in given.items()}
        check_format(values.get("format", "mermaid"), values.get("style", "plain"))
    except ValueError as error:
        raise CommandError(f"{path}: [tool.headrace]: {error}") from error
    return Defaults(folder=path.parent, **values)


def _names(key: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} is a string, or a list of strings, not {value!r}")
    return tuple(names)


def _word(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{key} is a string, not {value!r}")
    return value


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "app": _names,
    "flows": _names,
    "format": _word,
    "style": _word,
}
