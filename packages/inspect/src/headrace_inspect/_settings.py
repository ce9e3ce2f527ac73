"""``[tool.headrace.check]`` in ``pyproject.toml``, and the arguments that commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from headrace.commands import (
    CommandError,
    argument_parser,
    check_output,
    read_pyproject,
    save,
    tell,
    write,
)

from ._report import Problem


class Settings(TypedDict):
    """Arguments of `check` from ``pyproject.toml``; paths are relative to the current folder."""

    paths: Sequence[str]
    exclude: Sequence[str]
    cache: str | Path | None
    require_shown: bool | Sequence[str]
    disable: Sequence[str]
    accept: Sequence[str]
    evidence: str | None


def read_settings() -> Settings:
    """Return what the ``pyproject.toml`` nearest to the current folder says.

    Raises:
        CommandError: it cannot be read, or has settings that do not exist.
    """
    kinds: dict[str, type | tuple[type, ...]] = {
        "paths": tuple, "exclude": tuple, "require-shown": (bool, tuple), "disable": tuple,
        "accept": tuple, "evidence": str,
    }  # fmt: skip
    try:
        here = Path.cwd()
    except OSError as error:
        raise CommandError(f"the current folder cannot be found: {error.strerror}") from error
    folder, values = read_pyproject("check", kinds, here)

    def from_here(path: str) -> str:
        return os.path.relpath(os.path.join(folder or here, path))

    exclude = values.get("exclude", ())
    return {
        "paths": [from_here(path) for path in values.get("paths", ())] or ["."],
        # A pattern without a slash is for names.
        "exclude": [from_here(one) if "/" in one.rstrip("/") else one for one in exclude],
        "cache": (folder or here) / ".headrace_cache",
        "require_shown": values.get("require-shown", False),
        "disable": values.get("disable", ()),
        "accept": values.get("accept", ()),
        "evidence": from_here(values["evidence"]) if "evidence" in values else None,
    }


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


def settings_for(options: argparse.Namespace, endings: Mapping[str, str]) -> Settings:
    """Return the settings, with the paths and patterns of the command line.

    Without ``--format``, the format is that of the file's extension in `endings`, or text.

    Raises:
        CommandError: the settings cannot be read, or the output cannot be written.
    """
    settings = read_settings()
    if options.output is not None:
        check_output(options.output)
    ending = Path(options.output or "").suffix.lower()
    options.format = options.format or endings.get(ending, "text")
    settings["paths"] = options.paths or settings["paths"]
    settings["exclude"] = [*settings["exclude"], *options.exclude]
    return settings


def write_output(options: argparse.Namespace, text: str, problems: Sequence[Problem]) -> None:
    """Write `text` to the requested output, and the problems to standard error."""
    if options.output is None:
        write(sys.stdout, text)
    else:
        save(options.output, text)
    for problem in problems:
        tell(sys.stderr, str(problem))
