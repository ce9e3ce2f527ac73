"""``headrace trace stats``."""

from __future__ import annotations

import sys

from headrace.commands import write
from headrace_trace._stats import MEASURED, stat_json, stats
from headrace_trace._store import load
from headrace_trace._terminal import stats_table

from ._options import add_logs, tell_rejects, terminal, trace_parser

_DESCRIPTION = "Count flows, steps, tasks and edges, their errors and their times."


def main(words: list[str]) -> int:
    """Show figures as `words` say; return the exit status.

    Raises:
        CommandError: an argument is wrong.
    """
    parser = trace_parser("stats", _DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="one JSON object on a line for each")
    add_logs(parser)
    options = parser.parse_args(words)
    with load(options.logs, fields=options.fields, columns=MEASURED) as logs:
        found = stats(logs)
        if options.json:
            for one in found:
                write(sys.stdout, stat_json(one))
        else:
            terminal().print(stats_table(found))
        tell_rejects(logs)
    return 0
