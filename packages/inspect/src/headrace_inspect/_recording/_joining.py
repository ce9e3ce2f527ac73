"""What tests ran: from records to a file, and from the file to edges."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headrace.commands import CommandError
from headrace_inspect._facts import Facts
from headrace_inspect._report import Edge, Finding, Step

VERSION = 1
_TOLD = 3
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """An operation that tests ran.

    Attributes:
        steps: the flows and names of its steps, in the order in which they began.
        tests: some tests that ran it so.
        count: how often it ran so.
    """

    steps: tuple[Name, ...]
    tests: tuple[str, ...]
    count: int


# --- writing --------------------------------------------------------------------------------------


def write_runs(folder: str, file: Path) -> None:
    """Write what is recorded in `folder` into `file`."""
    operations: dict[str, list[tuple[int, str, str, str]]] = {}
    for name in sorted(os.listdir(folder)):
        for line in Path(folder, name).read_text("utf-8").splitlines():
            try:
                operation, *step = json.loads(line)
            except ValueError:  # a process was killed while it wrote
                continue
            operations.setdefault(operation, []).append(tuple(step))
    runs: dict[tuple[Name, ...], list[str]] = {}
    for steps in operations.values():
        steps.sort()
        order = tuple(dict.fromkeys([(flow, name) for _, flow, name, _ in steps]))
        runs.setdefault(order, []).append(steps[0][3])
    document = {
        "version": VERSION,
        "runs": [
            {
                "steps": [[flow, name] for flow, name in order],
                "tests": sorted(set(filter(None, tests)))[:_TOLD],
                "count": len(tests),
            }
            for order, tests in sorted(runs.items())
        ],
    }
    file.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


# --- reading --------------------------------------------------------------------------------------


def read_runs(path: str | os.PathLike[str]) -> list[Run]:
    """Return what tests ran.

    Raises:
        CommandError: `path` is not a file that the plugin has written.
    """
    try:
        document: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
        if document["version"] != VERSION:
            raise CommandError(f"{path} is of another version; record the evidence again")
        return [
            Run(
                tuple([(flow, name) for flow, name in one["steps"]]),
                tuple(one["tests"]),
                one["count"],
            )
            for one in document["runs"]
        ]
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path} holds no evidence; pytest --headrace-evidence writes it"
        raise CommandError(message) from error


def joined(facts: Facts, runs: Sequence[Run]) -> Facts:
    """Return `facts` with what tests show: edges, and steps that ran in the wrong order."""
    shown = {edge.id for edge in facts.edges if any(_shows(run, edge) for run in runs)}
    edges = [
        replace(edge, by=(*edge.by, "tests")) if edge.id in shown else edge for edge in facts.edges
    ]
    kept = [one for one in facts.not_shown if f"{one.flow}:{one.source}->{one.target}" not in shown]
    return replace(
        facts,
        edges=tuple(edges),
        findings=(*facts.findings, *_reversed(facts, runs)),
        not_shown=tuple(kept),
    )


def _source(run: Run, edge: Edge) -> int | None:
    """Return where the source of an edge stands in a run; it may be of another flow."""
    for number, (flow, name) in enumerate(run.steps):
        if (flow, name) == (edge.flow, edge.source) or f"{flow}.{name}" == edge.source:
            return number
    return None


def _shows(run: Run, edge: Edge) -> bool:
    target = (edge.flow, edge.target)
    source = _source(run, edge)
    return source is not None and target in run.steps[source + 1 :]


def _reversed(facts: Facts, runs: Sequence[Run]) -> Iterator[Finding]:
    """Find the steps that ran before all that they are declared after, and one of these later."""
    sources: dict[Name, list[Edge]] = {}
    for edge in facts.edges:
        sources.setdefault((edge.flow, edge.target), []).append(edge)
    steps: dict[Name, Step] = {(step.flow, step.name): step for step in facts.steps}
    done: set[str] = set()
    for run in runs:
        for number, target in enumerate(run.steps):
            places = [(_source(run, edge), edge) for edge in sources.get(target, ())]
            later = [edge for place, edge in places if place is not None and place > number]
            if len(later) < len([place for place, _ in places if place is not None]):
                continue
            for edge in later:
                if edge.id not in done and target in steps:
                    done.add(edge.id)
                    yield _finding(edge, steps[target], run)


def _finding(edge: Edge, step: Step, run: Run) -> Finding:
    where = f" in {run.tests[0]}" if run.tests else ""
    message = f"{edge.target!r} ran before {edge.source!r}{where}, and is declared after it"
    return Finding("HR111", edge.flow, edge.source, edge.target, step.place, message)
