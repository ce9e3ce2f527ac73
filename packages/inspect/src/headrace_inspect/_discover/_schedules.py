"""Schedules: the entries of Celery's beat."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import text_of
from headrace_inspect._models._tasks import publishings_in, task_function, tasks_in
from headrace_inspect._symbols._bindings import statements_in
from headrace_inspect._symbols._entities import Function, Module


@dataclass(frozen=True, slots=True)
class Schedule:
    """An entry: what it is called, where it stands, and the tasks that it publishes."""

    name: str
    module: Module
    line: int
    tasks: tuple[Function, ...]


def schedules_in(engine: Engine) -> Iterator[Schedule]:
    """Return the entries of mappings such as ``beat_schedule``, and of ``add_periodic_task``."""
    for path in engine.program.files:
        module = engine.program.module(path)
        for statement in statements_in(module.tree.body) if module is not None else ():
            value = getattr(statement, "value", None)
            if module is not None and isinstance(value, ast.Dict):
                yield from _entries(engine, module, value)
    yield from _added(engine)


def _entries(engine: Engine, module: Module, table: ast.Dict) -> Iterator[Schedule]:
    quiet = engine.quiet(module)
    for key, value in zip(table.keys, table.values, strict=True):
        if key is None or not isinstance(value, ast.Dict):
            continue
        parts = {
            one.value: part
            for one, part in zip(value.keys, value.values, strict=True)
            if isinstance(one, ast.Constant)
        }
        if "task" in parts and "schedule" in parts:
            name = text_of(engine.evaluate(quiet, parts["task"])) or ""
            task = task_function(tasks_in(engine).by_name.get(name))
            label = text_of(engine.evaluate(quiet, key)) or name
            yield Schedule(label, module, value.lineno, () if task is None else (task,))


def _added(engine: Engine) -> Iterator[Schedule]:
    signatures = {one.node: one for one in publishings_in(engine)}
    contexts = {one.context.function: one.context for one in signatures.values()}
    for function in [one for one in contexts if one is not None]:
        for node in ast.walk(function.node):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            made = signatures.get(node.args[1])
            task = None if made is None else task_function(made.task)
            if task is not None and getattr(node.func, "attr", "") == "add_periodic_task":
                yield Schedule(task.name, function.module, node.lineno, (task,))
