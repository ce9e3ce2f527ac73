"""``headrace trace audit``."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from headrace.commands import CommandError, add_graph_arguments, run_graph, write
from headrace_trace._audit import Auditor, Edge, audit_json, read_edges
from headrace_trace._store import digest
from headrace_trace._terminal import audit_lines

from ._options import add_logs, tell_rejects, terminal, trace_parser
from ._times import parse_duration

_DESCRIPTION = "Tell what is missing: work that never started or ended, ran twice or failed."


def main(words: list[str]) -> int:
    """Audit logs as `words` say; return the exit status: 1 if there is a case.

    Raises:
        CommandError: an argument is wrong, or there is nothing to audit.
    """
    options = _parser().parse_args(words)
    grace = parse_duration(options.grace)
    auditor = Auditor(_edges(options))
    fields, columns = options.fields, auditor.columns
    with digest(options.logs, auditor.add, fields=fields, columns=columns) as logs:
        found = auditor.audit(logs, grace)
        if options.json:
            write(sys.stdout, audit_json(found, logs))
        else:
            console = terminal()
            for line in audit_lines(found) if found.has_units else ():
                console.print(line)
        tell_rejects(logs)
    if not found.has_units:
        raise CommandError("these logs have no line of a unit of work, so nothing was audited")
    return 1 if found.cases else 0


def _edges(options: argparse.Namespace) -> list[Edge]:
    edges = [edge for name in options.graph for edge in _read_graph(name)]
    return edges + (read_edges(_draw(options.app), "the graph") if options.app else [])


def _read_graph(name: str) -> list[Edge]:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CommandError(f"cannot read {name}: {error}") from None
    return read_edges(text, name)


def _draw(modules: Sequence[str]) -> str:
    parser = argparse.ArgumentParser()
    add_graph_arguments(parser)
    words = [word for name in modules for word in ("--app", name)]
    drawn, messages = io.StringIO(), io.StringIO()
    options = parser.parse_args([*words, "--all", "--format", "json"])
    # Problems of the graph are a matter of headrace graph.
    if run_graph(options, out=drawn, err=messages) and not drawn.getvalue():
        raise CommandError(messages.getvalue().strip().removeprefix("headrace: "))
    return drawn.getvalue()


def _parser() -> argparse.ArgumentParser:
    parser = trace_parser("audit", _DESCRIPTION)
    add = parser.add_argument
    says = "what began so shortly before the newest line may be under way; default: %(default)s"
    add("--grace", default="60s", metavar="TIME", help=says)
    says = "import this module and tell which of its declared steps never came; repeatable"
    add("--app", action="append", default=[], metavar="MODULE", help=says)
    says = "the same from the JSON of headrace graph --all --format json; repeatable"
    add("--graph", action="append", default=[], metavar="FILE", help=says)
    add("--json", action="store_true", help="the cases as a JSON object")
    add_logs(parser)
    return parser
