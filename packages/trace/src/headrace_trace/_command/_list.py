"""``headrace trace list``."""

from __future__ import annotations

from headrace_trace._store import load
from headrace_trace._terminal import list_table

from ._options import add_logs, tell_rejects, terminal, trace_parser

_DESCRIPTION = "List the operations in logs, newest first."


def main(words: list[str]) -> int:
    """List operations as `words` say; return the exit status.

    Raises:
        CommandError: an argument is wrong.
    """
    parser = trace_parser("list", _DESCRIPTION)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="default: %(default)s")
    add_logs(parser)
    options = parser.parse_args(words)
    with load(options.logs, fields=options.fields) as logs:
        terminal().print(list_table(logs.operations(limit=options.limit)))
        tell_rejects(logs)
    return 0
