"""``headrace trace list``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress

from rich.live import Live

from headrace.commands import name_hint, printable, tell, write
from headrace_trace._model import Operation
from headrace_trace._store import SKELETON, Logs, Wanted, follow, load
from headrace_trace._story import operation_json
from headrace_trace._terminal import list_line, list_table

from ._options import add_limit, add_logs, rounds, tell_rejects, terminal, trace_parser
from ._times import parse_time

_DESCRIPTION = "List the operations in logs, newest first."
_STATES = ("ok", "error", "cancelled", "open", "unknown")


def main(words: list[str]) -> int:
    """List operations as `words` say; return the exit status.

    Raises:
        CommandError: an argument is wrong.
    """
    options = _parser().parse_args(words)
    columns = (*SKELETON, "message", "error") if options.text else SKELETON
    if options.follow:
        with (
            suppress(KeyboardInterrupt),
            follow(options.logs, fields=options.fields, columns=columns) as polls,
        ):
            _follow(polls, options)
        return 0
    with load(options.logs, fields=options.fields, columns=columns) as logs:
        found = logs.operations(_wanted(logs, options), limit=options.limit)
        _print(found, options)
        if not found:
            _tell_names(logs, options)
        tell_rejects(logs)
    return 0


def _print(operations: list[Operation], options: argparse.Namespace) -> None:
    if options.json:
        for one in operations:
            write(sys.stdout, operation_json(one))
    else:
        terminal().print(list_table(operations))


def _tell_names(logs: Logs, options: argparse.Namespace) -> None:
    """Name on standard error what these logs do not have, since it may be misspelt."""
    for column in ("flow", "step", "kind"):
        name = getattr(options, column)
        rows = logs.query(f"SELECT DISTINCT {column} FROM line WHERE {column} <> '' ORDER BY 1")
        known = [one for (one,) in rows]
        if name is not None and name not in known:
            hint = name_hint(name, known) if known else "they have none"
            tell(sys.stderr, printable(f"these logs have no {column} {name!r}; {hint}"))


def _follow(polls: Iterator[Logs], options: argparse.Namespace) -> None:
    console = terminal()
    if console.is_terminal and not options.json:
        with Live(console=console, auto_refresh=False) as live:
            for logs in rounds(polls):
                found = logs.operations(_wanted(logs, options), limit=options.limit)
                live.update(list_table(found), refresh=True)
        return
    shown: dict[str, Operation] = {}
    for logs in rounds(polls):
        found = logs.operations(_wanted(logs, options), limit=options.limit)
        for one in reversed(found):  # the newest is the last line
            if shown.get(one.flow_id) != one:
                write(sys.stdout, operation_json(one) if options.json else list_line(one))
        shown = {one.flow_id: one for one in found}


def _wanted(logs: Logs, options: argparse.Namespace) -> Wanted:
    newest = logs.newest()
    since, until = (
        parse_time(text, newest) if text else None for text in (options.since, options.until)
    )
    return Wanted(
        flow=options.flow, step=options.step, kind=options.kind, text=options.text,
        state=options.outcome, since=since, until=until,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = trace_parser("list", _DESCRIPTION)
    add = parser.add_argument
    add("--flow", metavar="NAME", help="only operations with lines of this flow")
    add("--step", metavar="NAME", help="only operations with lines of this step")
    add("--kind", metavar="KIND", help="only operations with a unit of this kind, such as task")
    add("--outcome", choices=_STATES, help="only operations that ended so")
    add("--text", metavar="TEXT", help="only operations with this text in a message or an error")
    says = "only operations after TIME, such as 2026-09-21T14:13, or 10m before the newest line"
    add("--since", metavar="TIME", help=says)
    add("--until", metavar="TIME", help="only operations before TIME")
    add_limit(parser, 20, "at most N")
    add("--json", action="store_true", help="one JSON object on a line for each operation")
    add("--follow", action="store_true", help="go on as lines arrive, until interrupted")
    add_logs(parser)
    return parser
