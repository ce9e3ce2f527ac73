"""``headrace trace html``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from headrace.commands import check_output, counted, printable, save, tell
from headrace_trace._page import MOST, page_data, render
from headrace_trace._store import load

from ._options import add_limit, add_logs, tell_rejects, trace_parser

_DESCRIPTION = """\
Write one self-contained page: operations, a search, waterfalls with log lines, figures of flows. It
asks nothing of a network, and contains text of log lines unless --no-messages is given.
"""


def main(words: list[str]) -> int:
    """Write the page as `words` say; return the exit status.

    Raises:
        CommandError: an argument is wrong.
    """
    options = _parser().parse_args(words)
    check_output(options.output)
    with load(options.logs, fields=options.fields) as logs:
        data = page_data(logs, limit=options.limit, messages=options.messages)
        save(options.output, render(data, options.title))
        tell_rejects(logs)
    where = printable(str(Path(options.output)))
    tell(sys.stderr, f"{counted(len(data['operations']), 'operation')} on {where}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = trace_parser("html", _DESCRIPTION)
    add = parser.add_argument
    add("-o", "--output", metavar="FILE", required=True, help="the page")
    add_limit(parser, MOST, "how many operations at most, the newest ones")
    add("--title", default="Operations", metavar="TEXT", help="the title of the page")
    says = "leave the text of log lines out"
    add("--no-messages", dest="messages", action="store_false", help=says)
    add_logs(parser)
    return parser
