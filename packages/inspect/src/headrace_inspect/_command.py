"""``headrace check``."""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Sequence

from headrace.commands import CommandError, name_hint, printable, tell, welcomes_colors, write

from ._check import check
from ._explain import known_code
from ._formats import ENDINGS, FORMATS, View, render
from ._formats._people import summary
from ._report import Report
from ._settings import format_of, parser_of, put_out, settings_for
from ._source._discovery import shown
from ._source._git import RevisionError

_DESCRIPTION = """\
Compare the declared flows with the code, without importing it. The exit status is 0 where nothing
is wrong, 1 where something is, and 2 where something could not be analysed.
"""


def main(words: list[str]) -> int:
    """Check as `words`, those after the command, say; return the exit status.

    Raises:
        CommandError: an argument or a setting is wrong.
    """
    # The flow stands behind ``=`` alone: what follows without it is a path.
    prepared = [f"{word}=" if word == "--require-shown" else word for word in words]
    options = _parser().parse_args(prepared)
    settings = settings_for(options)
    atexit.register(gc.freeze)  # the process takes its garbage along, and need not look for it
    required = "" in options.require_shown or options.require_shown or settings.require_shown
    try:
        report = check(
            settings.paths,
            exclude=settings.exclude,
            cache=None if options.no_cache else options.cache_dir or settings.cache,
            require_shown=required,
            evidence=options.evidence or settings.evidence,
            since=options.since,
            disable=[known_code(one) for one in (*settings.disable, *options.disable)],
            accept=settings.accept,
        )
    except RevisionError as error:
        raise CommandError(f"--since: {error}") from error
    _check_flows(report, required)
    _tell_problems(report, settings.paths)
    colors = options.output is None and welcomes_colors(sys.stdout, os.environ)
    view = View(options.verbose, colors)
    put_out(options, render(report, format_of(options, ENDINGS), view))
    if options.output is not None:
        write(sys.stderr, summary(report))
    return report.exit_status()


def _check_flows(report: Report, required: bool | Sequence[str]) -> None:
    known = sorted({step.flow for step in report.steps})
    for flow in () if isinstance(required, bool) or report.problems else required:
        if flow not in known:
            hint = name_hint(flow, known) if known else "none is declared in these files"
            raise CommandError(f"there is no flow {flow!r} for require-shown; {hint}")


def _tell_problems(report: Report, paths: Sequence[str]) -> None:
    for problem in report.problems:
        tell(sys.stderr, printable(str(problem)))
    named = {shown(os.path.abspath(path)) for path in paths}
    found = {problem.file for problem in report.problems} - named
    if any(os.path.isfile(file) for file in found):
        tell(sys.stderr, "what is not meant to be read can be left out by --exclude")


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("check", _DESCRIPTION, FORMATS)
    add = parser.add_argument
    says = "fail for edges that the code does not show, of all flows or of FLOW; can be repeated"
    add("--require-shown", metavar="FLOW", action="append", default=[], help=says)
    says = "join what tests ran, as pytest --headrace-evidence FILE recorded it"
    add("--evidence", metavar="FILE", help=says)
    add("-v", "--verbose", action="store_true", help="list every edge with its evidence")
    says = "fail also for what was lost since REV: evidence, and messages in flight"
    add("--since", metavar="REV", help=says)
    says = "do not report findings with this code; can be repeated"
    add("--disable", metavar="CODE", action="append", default=[], help=says)
    says = "where to keep what was found for the next time; default: .headrace_cache"
    add("--cache-dir", metavar="DIR", help=says)
    add("--no-cache", action="store_true", help="neither read nor write a cache")
    return parser
