"""Reads the declarations collected during evaluation."""

from __future__ import annotations

from headrace_inspect._evaluate._contexts import line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import Value, function_in, text_of
from headrace_inspect._models._headrace import Chain, ChainFacts, Declarator, declared_in
from headrace_inspect._symbols._entities import Class, Function

from ._steps import Declarations, DeclaredStep, Kind, Name


def read_declarations(engine: Engine) -> Declarations:
    """Return the flows that decorators, flow classes and chains declare."""
    found = declared_in(engine)
    declarations = Declarations(class_flows=found.class_flows, opened=found.opened)
    for function, declarators in found.functions.items():
        for declarator in declarators:
            _read(declarations, function, declarator)
    for cls, flows in found.class_flows.items():
        for method in engine.classes.methods_of(cls):
            name = declarations.methods.get(method)
            if name is not None:
                for flow in flows:
                    _add(declarations, method, found.functions[method][0], (flow, name), cls)
    for step in [step for steps in declarations.steps.values() for step in steps]:
        _read_sources(declarations, step)
    for chain in found.chains.values():
        if chain.flow is not None:
            _read_chain(declarations, chain, chain.flow, [])
    return declarations


def _read(declarations: Declarations, function: Function, declarator: Declarator) -> None:
    name = function.name if declarator.name is None else text_of(declarator.name)
    flow = text_of(declarator.flow)
    if name is None or (flow is None and declarator.flow is not None):
        what = "the step's name" if name is None else "the flow's name"
        declarations.unreadable.append((function, what))
        return
    if flow is not None:
        declarations.functions.setdefault(function, []).append((flow, name))
        _add(declarations, function, declarator, (flow, name), None)
    if flow is None or function.owner is not None:
        declarations.methods.setdefault(function, name)


def _add(
    declarations: Declarations,
    function: Function,
    declarator: Declarator,
    name: Name,
    cls: Class | None,
) -> None:
    kind: Kind = "function" if declarator.task is None else "task"
    about = (*name, kind, declarator.is_entrypoint, function.module.path, function.line)
    step = DeclaredStep(*about, function=function, cls=cls, after=declarator.after)
    declarations.add(step)


def _read_sources(declarations: Declarations, step: DeclaredStep) -> None:
    for reference in step.after:
        source = _source(declarations, step, reference)
        step.is_readable &= source is not None
        if source is not None and source not in step.sources:
            step.sources.append(source)


def _source(declarations: Declarations, step: DeclaredStep, reference: Value) -> str | None:
    """Return the name of the step that `reference` refers to, or None if it is computed."""
    name = text_of(reference)
    if name is not None:
        local = name.removeprefix(f"{step.flow}.")
        is_whole = (step.flow, name) in declarations.steps
        return None if "\0" in name else name if is_whole else local
    function = function_in(reference)
    if function is None:
        return None
    method = declarations.methods.get(function)
    if step.cls is not None and method is not None:
        return method
    names = dict(declarations.functions.get(function, [])[::-1])
    if step.flow in names:
        return names[step.flow]
    return ".".join(next(iter(names.items()))) if names else method


def _read_chain(
    declarations: Declarations, chain: ChainFacts, flow: str, after: list[str]
) -> list[str]:
    for step in chain.steps:
        if step.branches:
            branches = [one.facts for one in step.branches if isinstance(one, Chain)]
            tails = [_read_chain(declarations, one, flow, after) for one in branches]
            after = [name for tail in tails for name in tail] or after
        elif step.name is not None:
            where = (step.module.path, line_of(step.node))
            declarations.add(DeclaredStep(flow, step.name, "chain", not after, *where, [*after]))
            after = [step.name]
    return after


def steps_of(
    engine: Engine, declarations: Declarations, function: Function, cls: Class | None
) -> list[Name]:
    """Return the steps that `function` declares, as a method of `cls` if given."""
    names = list(declarations.functions.get(function, ()))
    name = declarations.methods.get(function)
    order = engine.classes.order(cls or function.owner) if function.owner and name else []
    for base in order:
        flows = declarations.class_flows.get(base) if isinstance(base, Class) else None
        if flows and isinstance(base, Class) and function in engine.classes.methods_of(base):
            return [*names, *[(flow, name) for flow in flows if name is not None]]
        if base is function.owner:
            break
    return names
