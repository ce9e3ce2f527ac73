"""Reads the declarations that running the source has brought up."""

from __future__ import annotations

import ast

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import Value, function_in, text_of
from headrace_inspect._models._headrace import (
    Chain,
    ChainFacts,
    Declarator,
    declared_in,
)
from headrace_inspect._symbols._entities import Class, Function

from ._steps import Declarations, DeclaredStep, Kind, Name


def read_declarations(engine: Engine) -> Declarations:
    """Return the flows that decorators, flow classes and chains declare."""
    declarations = Declarations()
    found = declared_in(engine)
    for function, declarators in found.functions.items():
        for declarator in declarators:
            _read(declarations, function, declarator)
    declarations.class_flows.update(found.class_flows)
    declarations.opened.update(found.opened)
    for cls, flows in found.class_flows.items():
        for flow in flows:
            _read_class(engine, declarations, cls, flow)
    for step in [step for steps in declarations.steps.values() for step in steps]:
        if step.function is not None:
            for declarator in found.functions[step.function]:
                _read_sources(declarations, step, declarator)
    for chain in found.chains.values():
        if chain.flow is not None:
            _read_chain(declarations, chain, chain.flow, [])
    return declarations


# --- functions ------------------------------------------------------------------------------------


def _read(declarations: Declarations, function: Function, declarator: Declarator) -> None:
    name = function.name if declarator.name is None else text_of(declarator.name)
    if name is None:
        declarations.unreadable.append((function, "the step's name"))
        return
    if declarator.flow is None:
        declarations.methods.setdefault(function, name)
        return
    flow = text_of(declarator.flow)
    if flow is None:
        declarations.unreadable.append((function, "the flow's name"))
        return
    declarations.functions.setdefault(function, []).append((flow, name))
    declarations.add(_step(function, declarator, flow, name))
    if function.owner is not None:
        declarations.methods.setdefault(function, name)


def _step(function: Function, declarator: Declarator, flow: str, name: str) -> DeclaredStep:
    kind: Kind = "task" if declarator.task is not None else "function"
    about = (flow, name, kind, declarator.is_entrypoint, function.module.path)
    return DeclaredStep(*about, function.node.lineno, function=function)


def _read_class(engine: Engine, declarations: Declarations, cls: Class, flow: str) -> None:
    for method in methods_of(engine, cls).values():
        name = declarations.methods.get(method)
        if name is not None:
            declarator = next(iter(declared_in(engine).functions[method]))
            step = _step(method, declarator, flow, name)
            step.cls = cls
            declarations.add(step)


def methods_of(engine: Engine, cls: Class) -> dict[str, Function]:
    """Return the methods of a class, inherited ones included."""
    found: dict[str, Function] = {}
    for base in engine.classes.order(cls):
        if isinstance(base, Class):
            for name, bindings in base.members.items():
                last = bindings[-1]
                if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef):
                    found.setdefault(name, engine.program.function(last, base))
                else:
                    found.pop(name, None)
    return found


# --- what comes before ----------------------------------------------------------------------------


def _read_sources(declarations: Declarations, step: DeclaredStep, declarator: Declarator) -> None:
    if step.cls is None and text_of(declarator.flow) != step.flow:
        return
    for reference in declarator.after:
        source = _source(declarations, step, reference)
        if source is None:
            step.is_readable = False
        elif source not in step.sources:
            step.sources.append(source)


def _source(declarations: Declarations, step: DeclaredStep, reference: Value) -> str | None:
    name = text_of(reference)
    if name is not None:
        return None if "\0" in name else _local(declarations, step.flow, name)
    function = function_in(reference)
    if function is None:
        return None
    if step.cls is not None and function in declarations.methods:
        return declarations.methods[function]
    names = declarations.functions.get(function, [])
    for flow, own in names:
        if flow == step.flow:
            return own
    if names:
        return ".".join(names[-1])
    return declarations.methods.get(function)


def _local(declarations: Declarations, flow: str, name: str) -> str:
    prefix = f"{flow}."
    if (flow, name) not in declarations.steps and name.startswith(prefix):
        return name.removeprefix(prefix)
    return name


# --- chains ---------------------------------------------------------------------------------------


def _read_chain(
    declarations: Declarations, chain: ChainFacts, flow: str, after: list[str]
) -> list[str]:
    for step in chain.steps:
        if step.branches:
            tails = [
                name
                for branch in step.branches
                if isinstance(branch, Chain)
                for name in _read_chain(declarations, branch.facts, flow, after)
            ]
            after = tails or after
        elif step.name is not None:
            line = getattr(step.node, "lineno", 1)
            if isinstance(step.node, ast.Call):
                line = step.node.func.end_lineno or line
            where = (step.module.path, line)
            made = DeclaredStep(flow, step.name, "chain", not after, *where, list(after))
            declarations.add(made)
            after = [step.name]
    return after


# --- which function is which step -----------------------------------------------------------------


def steps_of(
    engine: Engine, declarations: Declarations, function: Function, cls: Class | None
) -> list[Name]:
    """Return the steps that `function` is, as a method of `cls` if that is given."""
    names = list(declarations.functions.get(function, ()))
    name = declarations.methods.get(function)
    if name is None or function.owner is None:
        return names
    for base in engine.classes.order(cls or function.owner):
        if not isinstance(base, Class):
            continue
        flows = declarations.class_flows.get(base)
        if flows and function in methods_of(engine, base).values():
            return [*names, *((flow, name) for flow in flows)]
        if base is function.owner:
            break
    return names
