"""``headrace check``."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence

from headrace.commands import CommandError, name_hint, welcomes_colors, write

from ._check import check
from ._explain import known_code
from ._formats import ENDINGS, FORMATS, render, summary
from ._git import RevisionError
from ._report import Report
from ._settings import parser_of, settings_for, write_output

_DESCRIPTION = """\
Compare the declared flows with the code, without importing it. The exit status is 0 where nothing
is wrong, 1 where something is, and 2 where something could not be analysed.
"""


def main(words: list[str]) -> int:
    """Check as `words`, those after the command, say; return the exit status.

    Raises:
        CommandError: an argument or a setting is wrong.
    """
    parser = parser_of("check", _DESCRIPTION, [*FORMATS])
    add = parser.add_argument
    says = "fail for edges that the code does not show, of all flows or of FLOW; can be repeated"
    add("--require-shown", metavar="FLOW", action="append", default=[], help=says)
    says = "add what tests ran, as recorded by pytest --headrace-evidence FILE"
    add("--evidence", metavar="FILE", help=says)
    add("-v", "--verbose", action="store_true", help="list every edge with its evidence")
    says = "fail also for what was lost since REV: evidence, and messages in flight"
    add("--since", metavar="REV", help=says)
    says = "do not report findings with this code; can be repeated"
    add("--disable", metavar="CODE", action="append", default=[], help=says)
    says = "where to keep the results for the next check; default: .headrace_cache"
    add("--cache-dir", metavar="DIR", help=says)
    add("--no-cache", action="store_true", help="neither read nor write a cache")
    # The flow stands behind ``=`` alone: what follows without it is a path.
    options = parser.parse_args([f"{one}=" if one == "--require-shown" else one for one in words])

    settings = settings_for(options, ENDINGS)
    flows = options.require_shown or settings["require_shown"]
    settings["require_shown"] = "" in options.require_shown or flows
    settings["evidence"] = options.evidence or settings["evidence"]
    settings["disable"] = [known_code(one) for one in (*settings["disable"], *options.disable)]
    settings["cache"] = None if options.no_cache else options.cache_dir or settings["cache"]
    atexit.register(gc.freeze)  # the process takes its garbage along, and need not look for it
    try:
        report = check(**settings, since=options.since)
    except RevisionError as error:
        raise CommandError(f"--since: {error}") from error
    _check_flows(report, settings["require_shown"])
    colors = options.output is None and welcomes_colors(sys.stdout, os.environ)
    text = render(report, options.format, verbose=options.verbose, colors=colors)
    write_output(options, text, report.problems)
    if options.output is not None:
        write(sys.stderr, summary(report))
    return report.exit_status()


def _check_flows(report: Report, required: bool | Sequence[str]) -> None:
    known = sorted({step.flow for step in report.steps})
    for flow in () if isinstance(required, bool) or report.problems else required:
        if flow not in known:
            hint = name_hint(flow, known) if known else "none is declared in these files"
            raise CommandError(f"there is no flow {flow!r} for require-shown; {hint}")
