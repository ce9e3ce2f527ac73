"""Errors in the declared graph: unknown references, circles, two definitions, unreachable steps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter

from headrace.commands import nearest_name
from headrace_inspect._declarations._steps import Declarations, DeclaredStep, Edge, Name, edges_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Finding
from headrace_inspect._source._discovery import shown

from ._functions import finding, gone, misplaced


def faults_in(
    engine: Engine, declarations: Declarations, is_shown: Callable[[Edge], bool]
) -> list[Finding]:
    """Return the errors in the declarations.

    Args:
        engine: what knows the classes.
        declarations: what is declared.
        is_shown: tells whether the code shows an edge; a circle is broken where it does not.
    """
    edges = edges_of(declarations)
    return [
        *_unknown(declarations, edges),
        *_circles(declarations, edges, is_shown),
        *_twice(engine, declarations),
        *_unreachable(declarations, edges),
        *misplaced(engine, declarations),
        *gone(engine, declarations),
    ]


def _unknown(declarations: Declarations, edges: list[Edge]) -> Iterator[Finding]:
    for edge in edges if not declarations.unreadable else ():
        if edge.source not in declarations.steps:
            flow, written = edge.source
            near = nearest_name(written, [name for own, name in declarations.steps if own == flow])
            hint = f"did you mean {near!r}?" if near else "steps of other flows are 'flow.step'"
            message = f"after={written!r} names no declared step of flow {flow!r}: {hint}"
            yield finding("HR104", declarations.steps[edge.target][0], message, written)


def _circles(
    declarations: Declarations, edges: list[Edge], is_shown: Callable[[Edge], bool]
) -> Iterator[Finding]:
    rest = [edge for edge in edges if edge.source in declarations.steps]
    while True:
        graph: dict[Name, set[Name]] = {}
        for edge in rest:
            graph.setdefault(edge.target, set()).add(edge.source)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = [Edge(*pair) for pair in itertools.pairwise(error.args[1])]
        else:
            return
        closing = min(circle, key=lambda edge: (is_shown(edge), edge))
        start = circle.index(closing) + 1
        names = [edge.source[1] for edge in (*circle[start:], *circle[:start])]
        message = f"the steps are declared in a circle: {' -> '.join([*names, names[0]])}"
        yield finding("HR105", declarations.steps[closing.target][0], message, closing.source[1])
        rest.remove(closing)


def _twice(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    for (flow, name), steps in declarations.steps.items():
        first, *others = sorted(steps, key=lambda step: (step.path, step.line))
        for other in others:
            if not _is_same(engine, first, other):
                place = f"line {first.line} of {shown(first.path)}"
                message = f"flow {flow!r} has another step named {name!r}, on {place}"
                yield finding("HR106", other, message)


def _is_same(engine: Engine, one: DeclaredStep, other: DeclaredStep) -> bool:
    if one.function is None or other.function is None:
        return (one.path, one.line) == (other.path, other.line)
    if one.cls is not None and other.cls is not None and one.function is not other.function:
        order = engine.classes.order
        return other.cls in order(one.cls) or one.cls in order(other.cls)
    return (one.path, one.function.qualname) == (other.path, other.function.qualname)


def _unreachable(declarations: Declarations, edges: list[Edge]) -> Iterator[Finding]:
    """Find the steps to which no way leads from an entrypoint, over declared edges.

    What is behind an unknown or computed step may be reached; that is another finding.
    """
    reached = {edge.target for edge in edges if edge.source not in declarations.steps}
    for name, steps in declarations.steps.items():
        if any(step.is_entrypoint or not step.is_readable for step in steps):
            reached.add(name)
    while more := {edge.target for edge in edges if edge.source in reached} - reached:
        reached |= more
    for name, steps in declarations.steps.items():
        if name not in reached and name[0] not in declarations.opened:
            message = f"no entrypoint of flow {name[0]!r} leads to {name[1]!r}"
            yield finding("HR101", steps[0], message)
