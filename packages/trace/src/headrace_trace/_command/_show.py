"""``headrace trace show``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress

from rich.live import Live

from headrace.commands import CommandError, printable, write
from headrace_trace._model import Line
from headrace_trace._store import Logs, follow, load
from headrace_trace._story import Story, story_json, tell_story
from headrace_trace._terminal import StoryView, story_line

from ._options import add_logs, rounds, tell_rejects, terminal, trace_parser

_DESCRIPTION = "Tell the story of one operation: its units, its waterfall and its log lines."


def main(words: list[str]) -> int:
    """Show an operation as `words` say; return the exit status.

    Raises:
        CommandError: an argument is wrong, or there is no such operation.
    """
    options = _parser().parse_args(words)
    if not options.id:
        raise CommandError("the ID is empty")
    if options.follow:
        if options.json:
            raise CommandError("--json tells a story as a whole: it does not go with --follow")
        with (
            suppress(KeyboardInterrupt),
            follow(options.logs, fields=options.fields, flow_id=options.id) as polls,
        ):
            _follow(polls, options.id)
        return 0
    with load(options.logs, fields=options.fields, flow_id=options.id) as logs:
        story = _story(logs, _only_id(logs, options.id))
        if options.json:
            write(sys.stdout, story_json(story, logs))
        else:
            terminal().print(StoryView(story))
        tell_rejects(logs)
    return 0


def _story(logs: Logs, flow_id: str) -> Story:
    units, publishes = logs.units(flow_id), logs.publishes(flow_id)
    return tell_story(flow_id, units, publishes, logs.lines_of(flow_id))


def _only_id(logs: Logs, start: str) -> str:
    found = logs.ids(start)
    if start in found or len(found) == 1:
        return start if start in found else found[0]
    start = printable(start)
    if not found:
        raise CommandError(f"no line of these logs has an ID that begins with {start}")
    ids = ", ".join(map(printable, found))
    raise CommandError(f"several IDs begin with {start}: {ids}")


def _follow(polls: Iterator[Logs], start: str) -> None:
    console = terminal()
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
            for logs in rounds(polls):
                if logs.ids(start):
                    live.update(StoryView(_story(logs, _only_id(logs, start))), refresh=True)
        return
    shown: set[Line] = set()
    for logs in rounds(polls):
        lines = logs.lines_of(_only_id(logs, start)) if logs.ids(start) else []
        for line in lines:
            if line not in shown:
                write(sys.stdout, story_line(line))
        shown.update(lines)


def _parser() -> argparse.ArgumentParser:
    parser = trace_parser("show", _DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="the story as a JSON object")
    says = "go on as lines arrive, until interrupted"
    parser.add_argument("--follow", action="store_true", help=says)
    parser.add_argument("id", metavar="ID", help="a correlation ID, or the beginning of one")
    add_logs(parser)
    return parser
