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

    def place_of(self, flow: str, step: str) -> int | None:
        """Return where a step stands, which may be ``flow.step`` of another flow."""
        wanted = [one for one in self.steps if one == (flow, step) or ".".join(one) == step]
        return self.steps.index(wanted[0]) if wanted else None


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
    raise CommandError(f"{path} is of another version; record the evidence again")


def joined(facts: Facts, runs: Sequence[Run]) -> Facts:
    """Return `facts` with what tests show: edges, and steps that ran in the wrong order."""
    shown = {edge.id for edge in facts.edges if any(_shows(run, edge) for run in runs)}
    edges = tuple([
        replace(edge, by=(*edge.by, "tests")) if edge.id in shown else edge for edge in facts.edges
    ])
    hidden = tuple([one for one in facts.not_shown if one.about not in shown])
    findings = (*facts.findings, *_reversed(facts, runs))
    return replace(facts, edges=edges, findings=findings, not_shown=hidden)


def _shows(run: Run, edge: Edge) -> bool:
    source = run.place_of(edge.flow, edge.source)
    return source is not None and (edge.flow, edge.target) in run.steps[source + 1 :]


def _reversed(facts: Facts, runs: Sequence[Run]) -> Iterator[Finding]:
    """Find the steps that ran before all that they are declared after, and one of these later."""
    sources: dict[tuple[str, str], list[Edge]] = {}
    for edge in facts.edges:
        sources.setdefault((edge.flow, edge.target), []).append(edge)
    places = {(step.flow, step.name): step.place for step in facts.steps}
    done: set[str] = set()
    for run in runs:
        for number, target in enumerate(run.steps):
            ran = [(run.place_of(edge.flow, edge.source), edge) for edge in sources.get(target, ())]
            known = [(place, edge) for place, edge in ran if place is not None]
            is_first = all(place > number for place, _ in known)
            for edge in [edge for _, edge in known if is_first and edge.id not in done]:
                done.add(edge.id)
                pair = f"{edge.target!r} ran before {edge.source!r}"
                where = f" in {run.tests[0]}" if run.tests else ""
                message = f"{pair}{where}, and is declared after it"
                yield Finding("HR111", edge.flow, edge.source, edge.target, places[target], message)
