"""Reads the declarations that the engine has come upon."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import ChainStep, Declarator, FlowValue
from headrace_inspect._names._values import (
    ContextValue,
    FunctionValue,
    PartialValue,
    Possibly,
    PropertyValue,
    StepValue,
    TaskValue,
    Text,
    Value,
)

from ._steps import Declared, DeclaredStep, Name

if TYPE_CHECKING:
    from headrace_inspect._names._library_values import ChainValue
    from headrace_inspect._running._engine import Engine


def read_declarations(engine: Engine, classes: list[Class]) -> Declared:
    """Return the flows that the decorators in `engine` and the flow classes declare."""
    declared = Declared()
    for function, declarators in engine.declared.items():
        for declarator in declarators:
            _read(declared, function, declarator)
    for cls in classes:
        _read_class(engine, declared, cls)
    by_function: dict[Function, list[DeclaredStep]] = {}
    for steps in declared.steps.values():
        for step in steps:
            if step.function is not None:
                by_function.setdefault(step.function, []).append(step)
    for function, declarators in engine.declared.items():
        for step in by_function.get(function, ()):
            for declarator in declarators:
                _read_sources(declared, step, declarator)
    return declared


def read_chains(engine: Engine, declared: Declared) -> None:
    """Add the steps of the chains that the engine has come upon."""
    for chain in engine.exposure.chains.values():
        if chain.flow:
            _read_chain(declared, chain, chain.flow, [])


# --- decorators -----------------------------------------------------------------------------------


def _read(declared: Declared, function: Function, declarator: Declarator) -> None:
    name = _name_of(function, declarator)
    if name is None:
        declared.unreadable.append((function, "the step's name"))
        return
    if declarator.flow is None:
        declared.in_class.setdefault(function, name)
        return
    flow = declarator.flow.constant if isinstance(declarator.flow, Text) else None
    if flow is None:
        declared.unreadable.append((function, "the flow's name"))
        return
    declared.by_function.setdefault(function, []).append((flow, name))
    declared.add(_step(function, declarator, flow, name))
    if function.owner is not None:
        declared.in_class.setdefault(function, name)


def _name_of(function: Function, declarator: Declarator) -> str | None:
    if declarator.name is None:
        return function.name
    return declarator.name.constant if isinstance(declarator.name, Text) else None


def _step(function: Function, declarator: Declarator, flow: str, name: str) -> DeclaredStep:
    line, column, width = place_of(function)
    return DeclaredStep(
        flow,
        name,
        "task" if declarator.task is not None else "function",
        declarator.is_entrypoint,
        function.module.path,
        line,
        column,
        width,
        function=function,
    )


def place_of(function: Function) -> tuple[int, int, int]:
    """Return the line of the ``def``, the column of the name in it, and the name's length."""
    node = function.node
    if isinstance(node, ast.Lambda):
        return node.lineno, node.col_offset + 1, len("lambda")
    keyword = "async def " if isinstance(node, ast.AsyncFunctionDef) else "def "
    return node.lineno, node.col_offset + len(keyword) + 1, len(node.name)


# --- classes --------------------------------------------------------------------------------------


def _read_class(engine: Engine, declared: Declared, cls: Class) -> None:
    for decorator in cls.node.decorator_list:
        value = engine.resolve(engine.evaluate(decorator, cls.parent))
        if not isinstance(value, FlowValue):
            continue
        flow = value.name
        if flow is None:
            methods = [method for method in cls.methods() if method in declared.in_class]
            declared.unreadable += [(method, "the flow's name") for method in methods]
            continue
        declared.class_flows.setdefault(cls, []).append(flow)
        for function in engine.methods(cls).values():
            name = declared.in_class.get(function)
            if name is not None:
                declarator = next(iter(engine.declared[function]))
                step = _step(function, declarator, flow, name)
                step.cls = cls
                declared.add(step)


# --- what comes before ----------------------------------------------------------------------------


def _read_sources(declared: Declared, step: DeclaredStep, declarator: Declarator) -> None:
    if not _is_of(step, declarator):
        return
    for reference in declarator.after:
        source = _source(declared, step, reference)
        if source is None:
            step.is_readable = False
        elif source not in step.sources:
            step.sources.append(source)


def _is_of(step: DeclaredStep, declarator: Declarator) -> bool:
    if step.cls is not None:
        return True
    return isinstance(declarator.flow, Text) and declarator.flow.constant == step.flow


def _source(declared: Declared, step: DeclaredStep, reference: Value) -> str | None:
    if isinstance(reference, Text):
        name = reference.constant
        return None if name is None else _local(declared, step.flow, name)
    function = function_in(reference)
    if function is None:
        return None
    if step.cls is not None and function in declared.in_class:
        return declared.in_class[function]
    names = declared.by_function.get(function, [])
    for flow, name in names:
        if flow == step.flow:
            return name
    if names:
        flow, name = names[-1]
        return f"{flow}.{name}"
    return declared.in_class.get(function)


def _local(declared: Declared, flow: str, name: str) -> str:
    prefix = f"{flow}."
    if (flow, name) not in declared.steps and name.startswith(prefix):
        return name.removeprefix(prefix)
    return name


def function_in(value: Value) -> Function | None:
    """Return the function in `value`, decorators aside."""
    match value:
        case (
            FunctionValue(function=function)
            | StepValue(function=function)
            | TaskValue(function=function)
        ):
            return function
        case (
            PartialValue(inner=inner)
            | Possibly(inner=inner)
            | ContextValue(inner=inner)
            | PropertyValue(inner=inner)
        ):
            return function_in(inner)
    return None


# --- chains ---------------------------------------------------------------------------------------


def _read_chain(declared: Declared, chain: ChainValue, flow: str, after: list[str]) -> list[str]:
    for step in chain.steps:
        if step.branches is None:
            if step.name is None:
                continue
            declared.add(_chain_step(step, flow, step.name, after))
            after = [step.name]
        else:
            tails = [
                name
                for branch in step.branches
                for name in _read_chain(declared, branch, flow, after)
            ]
            after = tails or after
    return after


def _chain_step(step: ChainStep, flow: str, name: str, after: list[str]) -> DeclaredStep:
    line, column, width = getattr(step.node, "lineno", 1), 1, 1
    if isinstance(step.node, ast.Call) and isinstance(step.node.func, ast.Attribute):
        attribute = step.node.func
        line = attribute.end_lineno or line
        width = len(attribute.attr)
        column = (attribute.end_col_offset or width) - width + 1
    return DeclaredStep(
        flow,
        name,
        "chain",
        not after,
        step.path,
        line,
        column,
        width,
        list(after),
        function=function_in(step.function),
    )


def steps_of(
    declared: Declared, engine: Engine, function: Function, cls: Class | None
) -> list[Name]:
    """Return the steps that `function` is, as a method of `cls` if that is given."""
    names = list(declared.by_function.get(function, ()))
    name = declared.in_class.get(function)
    if name is None or function.owner is None:
        return names
    own = cls if cls is not None else function.owner
    for base in engine.mro(own):
        if not isinstance(base, Class):
            continue
        if base in declared.class_flows and function in engine.methods(base).values():
            return [*names, *((flow, name) for flow in declared.class_flows[base])]
        if base is function.owner:
            break
    return names
