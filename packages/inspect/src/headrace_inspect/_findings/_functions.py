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
from headrace_inspect._symbols._entities import Function, Import, Module, Scope, module_of


def misplaced(engine: Engine, declarations: Declarations) -> Iterator[Finding]:
    """Find declarations above a decorator that has registered the function without the step."""
    registering = {one.node for one in routes_in(engine)}
    registering |= {one.node for one in connections_in(engine)}
    for step, function in _functions(declarations):
        declaring = declared_in(engine).nodes.get(function, {})
        below: list[ast.expr] = []
        for node in function.decorators[::-1]:
            over = next((one for one in below if one in registering), None)
            if declaring.get(node):  # it is applied to a task
                over = below[-1]
            if node in declaring and over is not None:
                name = ast.unparse(over.func if isinstance(over, ast.Call) else over)
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
        calls = [one.node for one in chain.steps if isinstance(one.node, ast.Call)]
        for node in [one.args[0] for one in calls if one.args] if chain.flow is not None else ():
            reason = _missing(engine, node, chain.module)
            if reason is not None:
                place = Place(shown(chain.module.path), node.lineno)
                message = f"the function of a step is gone: {reason}"
                yield Finding("HR112", chain.flow, None, ast.unparse(node), place, message)
    for step, function in _functions(declarations):
        for node in _references(function):
            reason = _missing(engine, node, function.scope)
            if reason is not None:
                message = f"what {step.name!r} is declared after is gone: {reason}"
                yield finding("HR112", step, message, ast.unparse(node))


def finding(code: str, step: DeclaredStep, message: str, source: str | None = None) -> Finding:
    """Return a finding at the declaration of a step."""
    place = Place(shown(step.path), step.line)
    return Finding(code, step.flow, source, step.name, place, message)


def _functions(declarations: Declarations) -> Iterator[tuple[DeclaredStep, Function]]:
    for step in [step for steps in declarations.steps.values() for step in steps]:
        if step.function is not None:
            yield step, step.function


def _references(function: Function) -> Iterator[ast.expr]:
    """Yield what ``after=`` names in the decorators of a function."""
    calls = [node for node in function.decorators if isinstance(node, ast.Call)]
    for value in [one.value for node in calls for one in node.keywords if one.arg == "after"]:
        yield from value.elts if isinstance(value, ast.List | ast.Tuple) else [value]


def _missing(engine: Engine, node: ast.expr, scope: Scope) -> str | None:
    """Return why a name or an attribute of a module certainly does not exist, or None."""
    if isinstance(node, ast.Attribute):
        owner = engine.evaluate(engine.quiet(scope), node.value)
        module = owner.module if isinstance(owner, ModuleValue) else None
        return _lacking(engine, module, node.attr)
    if not isinstance(node, ast.Name) or hasattr(builtins, node.id):
        return None
    own = module_of(scope)
    match own.bindings.get(node.id, []):
        case [Import(name=str(name)) as made]:
            return _lacking(engine, engine.program.find(made.module, made.level, own), name)
    return _lacking(engine, own, node.id)


def _lacking(engine: Engine, module: Module | str | None, name: str) -> str | None:
    if not isinstance(module, Module) or module.stars or "__getattr__" in module.bindings:
        return None
    if name in module.bindings or engine.program.child(module, name) is not None:
        return None
    for node in ast.walk(module.tree):  # in any scope, or put there by hand
        words = [getattr(node, field, None) for field in ("name", "arg", "asname", "rest")]
        match node:
            case ast.Name(id="globals" | "vars" | "exec" | "setattr"):
                return None
            case ast.Name(id=word, ctx=ast.Store()):
                words.append(word)
            case ast.Global(names=names):
                words += names
            case _:
                pass
        if name in words:
            return None
    return f"module {module.name!r} has no {name!r}"
