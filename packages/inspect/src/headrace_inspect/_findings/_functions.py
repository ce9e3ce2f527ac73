"""Errors about the functions of steps: HR109, decorators in the wrong order; HR112, one is gone."""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from headrace_inspect._declarations._steps import Declarations, DeclaredStep
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import ModuleValue
from headrace_inspect._models._headrace import declared_in
from headrace_inspect._models._routes import routes_in
from headrace_inspect._models._signals import connections_in
from headrace_inspect._report import Finding, Place
from headrace_inspect._shown._links import text_of_call
from headrace_inspect._source._discovery import shown
from headrace_inspect._symbols._entities import Function, Import, Module, Scope, module_of
from headrace_inspect._symbols._syntax import Expr

_OPEN = ("globals", "vars", "exec", "setattr")


def misplaced(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    """Find declarations above a decorator that has registered the function without the step."""
    registering = {(one.module, one.node) for one in routes_in(engine)}
    registering |= {(one.module, one.node) for one in connections_in(engine)}
    for step, function in _functions(declarations):
        declaring = declared_in(engine).nodes.get(function, {})
        below: list[Expr] = []
        for _, node in function.decorators[::-1]:
            over = next((one for one in below if (function.module, one) in registering), None)
            if declaring.get(node):  # it is applied to a task
                over = below[-1]
            if node in declaring and over is not None:
                name = text_of_call(over).partition("(")[0]
                message = (
                    f"@{name}, below the declaration of {step.name!r}, registers the function "
                    f"without its step: put the declaration nearest to the def"
                )
                yield finding("HR109", step, message)
                break
            below.append(node)


def gone(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    """Find references to functions that do not exist, in chains and in ``after=``."""
    for chain in declared_in(engine).chains.values():
        calls = [one.node for one in chain.steps] if chain.flow is not None else []
        for node in [one for one in calls if one[4]]:
            reason = _missing(engine, node[4][0], chain.module)
            if reason is not None:
                name, place = text_of_call(node[4][0]), Place(shown(chain.module.path), node[1])
                message = f"the function of a step is gone: {reason}"
                yield Finding("HR112", chain.flow, None, name, place, message)
    for step, function in _functions(declarations):
        for node in _references(function):
            reason = _missing(engine, node, function.scope)
            if reason is not None:
                message = f"what {step.name!r} is declared after is gone: {reason}"
                yield finding("HR112", step, message, text_of_call(node))


def finding(code: str, step: DeclaredStep, message: str, source: str | None = None) -> Finding:
    """Return a finding at the declaration of a step."""
    place = Place(shown(step.path), step.line)
    return Finding(code, step.flow, source, step.name, place, message)


def _functions(declarations: Declarations) -> Iterator[tuple[DeclaredStep, Function]]:
    for step in [step for steps in declarations.steps.values() for step in steps]:
        if step.function is not None:
            yield step, step.function


def _references(function: Function) -> Iterator[Expr]:
    """Yield what ``after=`` names in the decorators of a function."""
    for _, node in function.decorators:
        given = node[5] if isinstance(node, tuple) and node[0] == "c" else ()
        for value in [value for name, value in given if name == "after"]:
            yield from value[3] if isinstance(value, tuple) and value[0] == "l" else [value]


def _missing(engine: Engine, node: Expr, scope: Scope) -> str | None:
    """Return why a name or an attribute of a module certainly does not exist, or None."""
    if isinstance(node, tuple) and node[0] == "a":
        owner = engine.evaluate(engine.scratch_frame(scope), node[1])
        module = owner.module if isinstance(owner, ModuleValue) else None
        return _lacking(engine, module, node[2])
    if not isinstance(node, str) or hasattr(builtins, node):
        return None
    own = module_of(scope)
    match own.bindings.get(node, []):
        case [Import(name=str(name)) as made]:
            return _lacking(engine, engine.program.find(made.module, made.level, own), name)
    return _lacking(engine, own, node)


def _lacking(engine: Engine, module: Module | str | None, name: str) -> str | None:
    if not isinstance(module, Module) or module.stars or "__getattr__" in module.bindings:
        return None
    if name in module.bindings or engine.program.child(module, name) is not None:
        return None
    if module.binds(name) or _mentions(module.syntax):
        return None
    return f"module {module.name!r} has no {name!r}"


def _mentions(part: object) -> bool:
    """Tell whether a file has a function that may bind any name."""
    return any(map(_mentions, part)) if isinstance(part, tuple) else part in _OPEN
