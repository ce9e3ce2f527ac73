"""Options and messages that the subcommands share."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from headrace.commands import argument_parser, counted, printable, tell, welcomes_colors
from headrace_trace._store import Logs, Reject

_PLACES = 3  # how many lines are named
_PAUSE = 0.5  # seconds
_MOST = 1 << 62
_WIDE = 10_000  # a pipe or a file has no width


def trace_parser(command: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every subcommand takes."""
    parser = argument_parser(f"headrace trace {command}", description)
    says = "the key of a field in these logs, such as flow_id=request_id; can be repeated"
    many: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--fields", metavar="FIELD=KEY", help=says, **many)
    return parser


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the logs."""
    says = "files, folders and patterns, also compressed (.gz, .zst); - is standard input"
    parser.add_argument("logs", nargs="+", metavar="LOGS", help=says)


def add_limit(parser: argparse.ArgumentParser, default: int, says: str) -> None:
    """Add the option for the number of operations, at least 1."""
    says = f"{says}; default: {default:,}"
    parser.add_argument("--limit", type=_count, default=default, metavar="N", help=says)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return min(int(text), _MOST)


def terminal() -> Console:
    """Return standard output as a console that takes nothing in a text for markup."""
    colors = welcomes_colors(sys.stdout, os.environ)
    return Console(
        markup=False,
        highlight=False,
        emoji=False,
        force_terminal=True if colors and not sys.stdout.isatty() else None,
        no_color=not colors,
        soft_wrap=True,
        width=None if sys.stdout.isatty() else _WIDE,
    )


def rounds(polls: Iterator[Logs]) -> Iterator[Logs]:
    """Yield the logs whenever there are new lines."""
    read = -1
    for logs in polls:
        if logs.lines != read:
            read = logs.lines
            yield logs
        time.sleep(_PAUSE)


def tell_rejects(logs: Logs) -> None:
    """Say on standard error which lines could not be read."""
    for reject in logs.rejects:
        tell(sys.stderr, printable(reject_text(reject)))


def reject_text(reject: Reject) -> str:
    """Return in words what could not be read, and where."""
    if not reject.count:
        return f"{reject.file}: {reject.reason}"
    places = ", ".join(map(str, reject.numbers[:_PLACES]))
    more = ", ..." if reject.count > _PLACES else ""
    word = "line" if reject.count == 1 else "lines"
    what = f"{counted(reject.count, 'line')} skipped, {reject.reason}"
    return f"{reject.file}: {what} ({word} {places}{more})"
