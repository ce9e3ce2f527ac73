"""What tests ran: from records to a file, and from the file to edges."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from headrace.commands import CommandError
from headrace_inspect._report import Edge, Facts, Finding

VERSION = 1
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Run:
    """An operation that tests ran."""

    steps: Sequence[tuple[str, str]]  # in the order in which they began
    tests: Sequence[str]  # some of the tests that ran it like this


def write_runs(folder: str, file: Path) -> None:
    """Write what is recorded in `folder` into `file`."""
    operations: dict[str, list[tuple[int, str, str, str]]] = {}
    for path in sorted(Path(folder).iterdir()):
        for line in path.read_text("utf-8").splitlines():
            try:
                operation, *step = json.loads(line)
            except ValueError:  # a process was killed while it wrote
                continue
            operations.setdefault(operation, []).append(tuple(step))
    tests: dict[tuple[tuple[str, str], ...], set[str]] = {}
    for steps in map(sorted, operations.values()):
        order = tuple(dict.fromkeys([(flow, name) for _, flow, name, _ in steps]))
        tests.setdefault(order, set()).add(steps[0][3])
    found = [Run(order, sorted(names - {""})[:_TOLD]) for order, names in sorted(tests.items())]
    document = {"version": VERSION, "runs": [asdict(run) for run in found]}
    file.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def read_runs(path: str | os.PathLike[str]) -> list[Run]:
    """Return what the tests ran, or raise `CommandError` if the plugin did not write `path`."""
    try:
        document = json.loads(Path(path).read_text("utf-8"))
        if document["version"] == VERSION:
            runs = document["runs"]
            return [
                Run([(flow, name) for flow, name in one["steps"]], one["tests"]) for one in runs
            ]
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path} holds no evidence; pytest --headrace-evidence writes it"
        raise CommandError(message) from error
    raise CommandError(f"{path} was recorded by another version; record the evidence again")


def joined(facts: Facts, runs: Sequence[Run]) -> Facts:
    """Return `facts` with what tests show: edges, and steps that ran in the wrong order."""
    shown: set[str] = set()
    wrong: dict[str, Finding] = {}
    for run in runs:
        ran = list(_edges_in(run, facts.edges))
        in_order = {edge.id for edge, is_in_order in ran if is_in_order}
        shown |= in_order
        # A step is in order if it began after any of its declared predecessors.
        begun = {(edge.flow, edge.target) for edge, _ in ran if edge.id in in_order}
        for edge in [edge for edge, _ in ran if (edge.flow, edge.target) not in begun]:
            wrong.setdefault(edge.id, _reversed(edge, run, facts))
    edges = tuple([
        replace(edge, by=(*edge.by, "tests")) if edge.id in shown else edge for edge in facts.edges
    ])
    hidden = tuple([one for one in facts.not_shown if one.about not in shown])
    findings = (*facts.findings, *wrong.values())
    return replace(facts, edges=edges, findings=findings, not_shown=hidden)


def _edges_in(run: Run, edges: Sequence[Edge]) -> Iterator[tuple[Edge, bool]]:
    """Yield each edge whose steps both began in a run, and whether they began in order."""
    places = {".".join(step): place for place, step in enumerate(run.steps)}
    for edge in edges:
        target = places.get(f"{edge.flow}.{edge.target}")
        source = places.get(f"{edge.flow}.{edge.source}", places.get(edge.source))
        if source is not None and target is not None:
            yield edge, source < target


def _reversed(edge: Edge, run: Run, facts: Facts) -> Finding:
    place = next(one.place for one in facts.steps if one.id == f"{edge.flow}:{edge.target}")
    where = f" in {run.tests[0]}" if run.tests else ""
    message = f"{edge.target!r} ran before {edge.source!r}{where}, but is declared after it"
    return Finding("HR111", edge.flow, edge.source, edge.target, place, message)
