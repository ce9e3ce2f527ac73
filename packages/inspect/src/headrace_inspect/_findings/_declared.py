"""Errors in declarations: in the graph, in the order of decorators, and missing functions."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from headrace.commands import nearest_name
from headrace_inspect._declarations import Declarations, DeclaredStep, Name, Pair
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import ModuleValue
from headrace_inspect._models._headrace import Declared
from headrace_inspect._models._routes import Routes
from headrace_inspect._models._signals import Connections
from headrace_inspect._report import Edge, Finding, Place
from headrace_inspect._shown._paths import text_of_call
from headrace_inspect._sources import shown
from headrace_inspect._symbols._entities import Function, Module, Scope
from headrace_inspect._symbols._syntax import Expr, name_of

_OPEN = ("globals", "vars", "exec", "setattr")


def faults_in(
    engine: Engine, declarations: Declarations, edges: Mapping[Pair, Edge]
) -> list[Finding]:
    """Return the errors in the declarations and in `edges`, the declared ones."""
    return [
        *_unknown(declarations, edges),
        *_circles(declarations, edges),
        *_twice(engine, declarations),
        *_unreachable(declarations, edges),
        *_misplaced(engine, declarations),
        *_gone(engine),
    ]


def finding(code: str, step: DeclaredStep, message: str, source: str | None = None) -> Finding:
    """Return a finding at the declaration of a step."""
    return Finding(code, step.flow, source, step.name, step.place, message)


# --- the graph ------------------------------------------------------------------------------------


def _unknown(declarations: Declarations, edges: Mapping[Pair, Edge]) -> Iterator[Finding]:
    for source, target in edges if not declarations.unreadable else ():
        if source not in declarations.steps:
            flow, written = source
            near = nearest_name(written, [name for own, name in declarations.steps if own == flow])
            hint = f"did you mean {near!r}?" if near else "steps of other flows are 'flow.step'"
            message = f"after={written!r} names no declared step of flow {flow!r}: {hint}"
            yield finding("HR104", declarations.steps[target][0], message, written)


def _circles(declarations: Declarations, edges: Mapping[Pair, Edge]) -> Iterator[Finding]:
    rest = [pair for pair in edges if pair[0] in declarations.steps]
    while True:
        graph: dict[Name, set[Name]] = {}
        for source, target in rest:
            graph.setdefault(target, set()).add(source)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = [*itertools.pairwise(error.args[1])]
        else:
            return
        closing = min(circle, key=lambda pair: (bool(edges[pair].by), pair))
        start = circle.index(closing) + 1
        names = [source[1] for source, _ in (*circle[start:], *circle[:start])]
        message = f"the steps are declared in a circle: {' -> '.join([*names, names[0]])}"
        yield finding("HR105", declarations.steps[closing[1]][0], message, closing[0][1])
        rest.remove(closing)


def _twice(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    for (flow, name), steps in declarations.steps.items():
        first, *others = sorted(steps, key=lambda step: (step.path, step.line))
        for other in others:
            if not _is_same(engine, first, other):
                place = f"line {first.line} of {first.place.file}"
                message = f"flow {flow!r} has another step named {name!r}, on {place}"
                yield finding("HR106", other, message)


def _is_same(engine: Engine, one: DeclaredStep, other: DeclaredStep) -> bool:
    if one.function is None or other.function is None:
        return (one.path, one.line) == (other.path, other.line)
    if one.cls is not None and other.cls is not None and one.function is not other.function:
        order = engine.classes.order
        return other.cls in order(one.cls) or one.cls in order(other.cls)
    return (one.path, one.function.qualname) == (other.path, other.function.qualname)


def _unreachable(declarations: Declarations, edges: Mapping[Pair, Edge]) -> Iterator[Finding]:
    """Find the steps to which no way leads from an entrypoint, over declared edges.

    What is behind an unknown or computed step may be reached; that is another finding.
    """
    targets: dict[Name, list[Name]] = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
    waiting = [source for source in targets if source not in declarations.steps]
    for step in declarations:
        waiting += [(step.flow, step.name)] if step.is_entrypoint or not step.is_readable else []
    reached: set[Name] = set()
    while waiting:
        name = waiting.pop()
        waiting += targets.get(name, ()) if name not in reached else ()
        reached.add(name)
    for name, steps in declarations.steps.items():
        if name not in reached and name[0] not in declarations.opened:
            message = f"no entrypoint of flow {name[0]!r} leads to {name[1]!r}"
            yield finding("HR101", steps[0], message)


# --- functions ------------------------------------------------------------------------------------


def _misplaced(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    """Find declarations above a decorator that has registered the function without the step."""
    registering = {(one.module, one.node) for one in engine.fact(Routes)}
    registering |= {(one.module, one.node) for one in engine.fact(Connections)}
    for step, function in _functions(declarations):
        declaring = engine.fact(Declared).nodes.get(function, {})
        below: list[Expr] = []
        for _, node in function.decorators[::-1]:
            over = [one for one in below if (function.module, one) in registering]
            over = below[-1:] if declaring.get(node) else over  # it decorates a task
            if node in declaring and over:
                name = text_of_call(over[0]).partition("(")[0]
                message = (
                    f"@{name}, below the declaration of {step.name!r}, registers the function "
                    f"without its step: put the declaration nearest to the def"
                )
                yield finding("HR109", step, message)
                break
            below.append(node)


def _gone(engine: Engine) -> Iterator[Finding]:
    """Find steps of chains whose functions do not exist."""
    for chain in engine.fact(Declared).chains.values():
        for step in chain.steps if chain.flow is not None else ():
            func = next(iter(step.node[4]), None)
            if reason := _missing(engine, func, step.scope):
                name, place = text_of_call(func), Place(shown(chain.module.path), step.node[1])
                message = f"the function of a step is gone: {reason}"
                yield Finding("HR112", chain.flow, None, name, place, message)


def _functions(declarations: Declarations) -> list[tuple[DeclaredStep, Function]]:
    return [(step, step.function) for step in declarations if step.function is not None]


def _missing(engine: Engine, node: Expr, scope: Scope) -> str:
    """Return why a global or an attribute of a module certainly does not exist, or nothing."""
    module: Module | str | None = None
    name = name_of(node)
    if isinstance(node, tuple) and node[0] == "a":
        owner = engine.evaluate(scope, node[1])
        module = owner.module if isinstance(owner, ModuleValue) else None
    elif node == name and not hasattr(builtins, name):
        module = own = scope.module
        match own.definitions(name):
            case [("import", _, dotted, str(name), level)]:
                module = engine.program.find(dotted, level, own)
    if not isinstance(module, Module) or module.stars or "__getattr__" in module.code.names:
        return ""
    is_there = name in module.bound or engine.program.child(module, name) is not None
    is_open = is_there or _mentions(module.syntax)
    return "" if is_open else f"module {module.name!r} has no {name!r}"


def _mentions(part: object) -> bool:
    """Tell whether a file has a function that may bind any name."""
    return any(map(_mentions, part)) if isinstance(part, tuple) else part in _OPEN
