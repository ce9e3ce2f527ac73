"""``headrace check``."""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.commands import (
    argument_parser,
    check_output,
    printable,
    save,
    tell,
    welcomes_colors,
    write,
)
from headrace_inspect._source._discovery import shown

from ._check import check
from ._formats import ENDINGS, FORMATS, View, render, summary
from ._report import Report
from ._settings import Settings, read_settings

_NARROWEST = 40
_DESCRIPTION = """\
Compare the declared flows with the code, without importing it. The exit status is 0 where nothing
contradicts a declaration, 1 where something does, and 2 where something could not be analysed.
"""


def main(words: list[str]) -> int:
    """Check as `words`, those after the command, say; return the exit status.

    Raises:
        CommandError: something is wrong with what was given.
    """
    options = _parser().parse_args(words)
    settings = read_settings()
    plan = _plan(options, settings)
    if options.output is not None:
        check_output(options.output)
    atexit.register(gc.freeze)  # the process takes its garbage along, and need not look for it
    report = check(plan.paths, exclude=plan.exclude, cache=plan.cache)
    _tell_problems(report, plan)
    view = _view(options, strict=plan.strict)
    text = render(report, _format(options), view)
    if options.output is None:
        write(sys.stdout, text)
    else:
        save(options.output, text)
        write(sys.stderr, summary(report, view))
    return report.exit_status(strict=plan.strict)


@dataclass(frozen=True, slots=True)
class _Plan:
    paths: tuple[str, ...]
    exclude: tuple[str, ...]
    cache: str | Path | None
    strict: bool


def _plan(options: argparse.Namespace, settings: Settings) -> _Plan:
    return _Plan(
        tuple(options.paths) or settings.paths or (".",),
        (*settings.exclude, *(options.exclude or ())),
        None if options.no_cache else options.cache_dir or settings.cache,
        options.strict or settings.strict,
    )


def _tell_problems(report: Report, plan: _Plan) -> None:
    for problem in report.problems:
        tell(sys.stderr, printable(str(problem)))
    named = {shown(os.path.abspath(path)) for path in plan.paths}
    found = {problem.file for problem in report.problems} - named
    if any(os.path.isfile(file) for file in found):
        tell(sys.stderr, "what is not meant to be read can be left out by --exclude")


def _format(options: argparse.Namespace) -> str:
    if options.format:
        return str(options.format)
    return ENDINGS.get(Path(options.output or "").suffix.lower(), "text")


def _view(options: argparse.Namespace, *, strict: bool) -> View:
    view = View(strict=strict, verbose=options.verbose, suggest=options.suggest)
    if options.output is not None or sys.stdout is None:
        return view
    colors = welcomes_colors(sys.stdout, os.environ)
    if not sys.stdout.isatty():
        return replace(view, colors=colors)
    return replace(view, colors=colors, width=max(shutil.get_terminal_size().columns, _NARROWEST))


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser("headrace check", _DESCRIPTION)
    add = parser.add_argument
    says = "files and folders; unless given, those of pyproject.toml, or the current folder"
    add("paths", nargs="*", metavar="PATH", help=says)
    says = "what to write; unless given, by the file's ending, else text"
    add("--format", choices=FORMATS, help=says)
    add("-o", "--output", metavar="FILE", help="the file to write, instead of standard output")
    add("--strict", action="store_true", help="fail for what is unresolved, too")
    add("-v", "--verbose", action="store_true", help="show what is unresolved, too")
    says = "show the after= that the code implies where the declaration says something else"
    add("--suggest", action="store_true", help=says)
    says = "leave out files and folders; may be given more than once"
    add("--exclude", action="append", metavar="PATTERN", help=says)
    says = "where to keep what was found for the next time; .headrace_cache, unless given"
    add("--cache-dir", metavar="DIR", help=says)
    add("--no-cache", action="store_true", help="neither read nor write a cache")
    return parser
