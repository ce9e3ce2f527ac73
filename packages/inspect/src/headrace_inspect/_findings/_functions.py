"""Errors about the functions of steps: HR109, decorators in the wrong order; HR112, one is gone."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from headrace_inspect._declarations._steps import Declarations, DeclaredStep
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import ModuleValue
from headrace_inspect._models._headrace import declared_in
from headrace_inspect._models._routes import routes_in
from headrace_inspect._models._signals import connections_in
from headrace_inspect._report import Finding, Place
from headrace_inspect._source._discovery import shown
from headrace_inspect._symbols._entities import Import, Module, Scope


def misplaced(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    """Find declarations above a decorator that has registered the function without the step."""
    registering = {one.node for one in routes_in(engine)}
    registering |= {one.node for one in connections_in(engine)}
    for step in _steps(declarations):
        written = step.function.decorators[::-1] if step.function else []
        nodes = declared_in(engine).nodes.get(step.function, {}) if step.function else {}
        for index, node in enumerate(written):
            over = next((one for one in written[:index] if one in registering), None)
            if nodes.get(node):  # it is applied to a task
                over = written[index - 1]
            if node in nodes and over is not None:
                name = ast.unparse(over.func if isinstance(over, ast.Call) else over)
                message = (
                    f"@{name}, below the declaration of {step.name!r}, registers the function "
                    f"without its step: put the declaration nearest to the def"
                )
                yield finding("HR109", step, message)
                break


def gone(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    """Find references to functions that do not exist, in chains and in ``after=``."""
    for chain in declared_in(engine).chains.values():
        for one in chain.steps if chain.flow is not None else ():
            for argument in one.node.args[:1] if isinstance(one.node, ast.Call) else ():
                reason = _missing(engine, argument, chain.module)
                if reason is not None:
                    place = Place(shown(chain.module.path), argument.lineno)
                    message = f"the function of a step is gone: {reason}"
                    about = (chain.flow, None, ast.unparse(argument), place, message)
                    yield Finding("HR112", *about)
    for step in _steps(declarations):
        for reference in _references(step):
            reason = _missing(engine, reference, step.function.scope if step.function else None)
            if reason is not None:
                message = f"what {step.name!r} is declared after is gone: {reason}"
                yield finding("HR112", step, message, ast.unparse(reference))


def finding(code: str, step: DeclaredStep, message: str, source: str | None = None) -> Finding:
    """Return a finding at the declaration of a step."""
    place = Place(shown(step.path), step.line)
    return Finding(code, step.flow, source, step.name, place, message)


def _steps(declarations: Declarations) -> Iterator[DeclaredStep]:
    for steps in declarations.steps.values():
        yield from steps


def _references(step: DeclaredStep) -> Iterator[ast.expr]:
    for node in step.function.decorators if step.function else ():
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if keyword.arg == "after":
                value = keyword.value
                yield from value.elts if isinstance(value, ast.List | ast.Tuple) else [value]


def _missing(engine: Engine, node: ast.expr, scope: Scope | None) -> str | None:
    """Return why a name or an attribute of a module certainly does not exist, or None."""
    module = scope if scope is None or isinstance(scope, Module) else scope.module
    if scope is None or module is None:
        return None
    if isinstance(node, ast.Attribute):
        owner = engine.evaluate(engine.quiet(scope), node.value)
        found = owner.module if isinstance(owner, ModuleValue) else None
        return _lacking(engine, found, node.attr)
    if not isinstance(node, ast.Name) or hasattr(builtins, node.id):
        return None
    match module.bindings.get(node.id, []):
        case [Import(name=str(name)) as made]:
            return _lacking(engine, engine.program.find(made.module, made.level, module), name)
    return _lacking(engine, module, node.id)


def _lacking(engine: Engine, module: Module | str | None, name: str) -> str | None:
    if not isinstance(module, Module) or module.stars or "__getattr__" in module.bindings:
        return None
    if name in module.bindings or engine.program.child(module, name) is not None:
        return None
    for node in ast.walk(module.tree):  # in any scope, or put there by hand
        words = [getattr(node, field, None) for field in ("name", "arg", "asname", "rest")]
        is_bound = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        if isinstance(node, ast.Name) and (is_bound or node.id in _BY_HAND):
            words.append(name if node.id in _BY_HAND else node.id)
        if name in words or (isinstance(node, ast.Global) and name in node.names):
            return None
    return f"module {module.name!r} has no {name!r}"


_BY_HAND = frozenset(["globals", "vars", "exec", "setattr"])
