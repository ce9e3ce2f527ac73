"""``[tool.headrace.check]`` in ``pyproject.toml``, and the arguments that commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headrace.commands import (
    CommandError,
    argument_parser,
    check_output,
    read_pyproject,
    save,
    write,
)

_KINDS: dict[str, type] = {
    "paths": tuple, "exclude": tuple, "require-shown": object, "disable": tuple, "accept": tuple,
    "evidence": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line does not say; paths are as seen from the current folder."""

    cache: Path
    paths: tuple[str, ...] = (".",)
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

    exclude = values.get("exclude", ())
    return Settings(
        folder / ".headrace_cache",
        tuple(map(from_here, values.get("paths", ()))) or (".",),
        # A pattern without a slash is for names.
        tuple([from_here(one) if "/" in one.rstrip("/") else one for one in exclude]),
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


# --- arguments ------------------------------------------------------------------------------------


def parser_of(command: str, description: str, formats: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser of the paths, the output and what to leave out."""
    parser = argument_parser(f"headrace {command}", description)
    add = parser.add_argument
    says = "files and folders; default: those of pyproject.toml, or the current folder"
    add("paths", nargs="*", metavar="PATH", help=says)
    says = f"{', '.join(formats)}; default: by the extension of FILE, or text"
    add("--format", choices=formats, metavar="F", help=says)
    add("-o", "--output", metavar="FILE", help="write to FILE instead of standard output")
    says = "leave out files and folders; can be repeated"
    add("--exclude", metavar="PATTERN", action="append", default=[], help=says)
    return parser


def settings_for(options: argparse.Namespace) -> Settings:
    """Return the settings, with the paths and patterns of the command line.

    Raises:
        CommandError: the settings cannot be read, or the output cannot be written.
    """
    settings = read_check_settings()
    if options.output is not None:
        check_output(options.output)
    paths, exclude = tuple(options.paths) or settings.paths, (*settings.exclude, *options.exclude)
    return replace(settings, paths=paths, exclude=exclude)


def format_of(options: argparse.Namespace, endings: Mapping[str, str]) -> str:
    """Return the requested format, or the one for the extension of the file."""
    ending = Path(options.output or "").suffix.lower()
    return options.format or endings.get(ending, "text")


def put_out(options: argparse.Namespace, text: str) -> None:
    """Write `text` to the requested output."""
    if options.output is None:
        write(sys.stdout, text)
    else:
        save(options.output, text)
