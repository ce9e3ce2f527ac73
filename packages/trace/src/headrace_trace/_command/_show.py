"""``headrace trace show``."""

from __future__ import annotations

from headrace.commands import CommandError
from headrace_trace._store import Logs, load
from headrace_trace._story import tell_story
from headrace_trace._terminal import show_story

from ._options import add_logs, tell_rejects, terminal, trace_parser

_DESCRIPTION = "Tell the story of one operation: its units, its waterfall and its log lines."


def main(words: list[str]) -> int:
    """Show an operation as `words` say; return the exit status.

    Raises:
        CommandError: an argument is wrong, or there is no such operation.
    """
    parser = trace_parser("show", _DESCRIPTION)
    parser.add_argument("id", metavar="ID", help="a correlation ID, or the beginning of one")
    add_logs(parser)
    options = parser.parse_args(words)
    with load(options.logs, fields=options.fields, flow_id=options.id) as logs:
        flow_id = _only_id(logs, options.id)
        units, publishes = logs.units(flow_id), logs.publishes(flow_id)
        story = tell_story(flow_id, units, publishes, logs.lines_of(flow_id))
        terminal().print(show_story(story))
        tell_rejects(logs)
    return 0


def _only_id(logs: Logs, start: str) -> str:
    found = logs.ids(start)
    if start in found or len(found) == 1:
        return start if start in found else found[0]
    if not found:
        raise CommandError(f"no line of these logs has an ID that begins with {start!r}")
    raise CommandError(f"several IDs begin with {start!r}: {', '.join(found)}")
