"""Settings in ``pyproject.toml``: ``[tool.headrace]`` and its subtables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._messages.hints import name_hint

from .errors import CommandError


@dataclass(frozen=True, slots=True)
class Defaults:
    """Defaults for options that the command line leaves out.

    Attributes:
        folder: the folder of the file, or None.
        app: the modules that declare flows.
        flows: the flows to draw.
        format: the output format.
        style: the style of the drawing.
    """

    folder: Path | None = None
    app: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    format: str | None = None
    style: str = "plain"


def read_defaults(start: Path) -> Defaults:
    """Return the defaults in the ``pyproject.toml`` nearest to the folder `start`.

    Raises:
        CommandError: the file cannot be read or has an invalid setting.
    """
    from headrace._drawing import check_format  # only here: most commands draw nothing

    folder, values = read_pyproject("", _KINDS, start)
    try:
        check_format(values.get("format", "mermaid"), values.get("style", "plain"))
    except ValueError as error:
        raise CommandError(f"{folder}/pyproject.toml: [tool.headrace]: {error}") from error
    return Defaults(folder=folder, **values)


def read_pyproject(
    command: str, kinds: Mapping[str, type | tuple[type, ...]], start: Path
) -> tuple[Path | None, dict[str, Any]]:
    """Return a command's settings from the ``pyproject.toml`` nearest to `start`.

    Args:
        command: the command, as in ``[tool.headrace.check]``; ``""`` for ``[tool.headrace]``.
        kinds: the types of the known settings: `str`, `bool`, `tuple` for a string or a list of
            strings, or several of these.
        start: the folder where the search begins; its parents follow.

    Returns:
        The folder of the file (None if there is no file) and the settings.

    Raises:
        CommandError: the file cannot be read, a setting is unknown, or a value has the wrong type.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return folder, _parsed(path, command, kinds)
    return None, {}


def _parsed(
    path: Path, command: str, kinds: Mapping[str, type | tuple[type, ...]]
) -> dict[str, Any]:
    title = ".".join(["tool", "headrace", *([command] if command else [])])
    table: Any
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot read {path}: {error}") from error
    for name in title.split("."):
        table = table.get(name, {})
        if not isinstance(table, dict):
            raise CommandError(f"{path}: [{title}] must be a table, not {table!r}")
    if not command:  # subtables belong to other commands
        table = {key: value for key, value in table.items() if not isinstance(value, dict)}
    for key in table:
        if key not in kinds:
            hint = name_hint(key, kinds)
            raise CommandError(f"{path}: [{title}] has no setting {key!r}; {hint}")
    try:
        return {key: _read(key, value, kinds[key]) for key, value in table.items()}
    except ValueError as error:
        raise CommandError(f"{path}: [{title}]: {error}") from error


def _read(key: str, value: Any, kind: type | tuple[type, ...]) -> Any:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    names = [value] if isinstance(value, str) else value
    if tuple in kinds and isinstance(names, list) and all(isinstance(one, str) for one in names):
        return tuple(names)
    if not isinstance(value, kinds):
        raise ValueError(
            f"{key} must be {', or '.join(_WORDS[one] for one in kinds)}, not {value!r}"
        )
    return value


_WORDS = {bool: "true or false", str: "a string", tuple: "a string or a list of strings"}
_KINDS: dict[str, type] = {"app": tuple, "flows": tuple, "format": str, "style": str}
