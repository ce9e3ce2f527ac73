"""The places where a program is entered: routes, commands, tasks, schedules, receivers."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from os import path as paths

from headrace_inspect._evaluate._contexts import ENQUEUE, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    ClassValue,
    FunctionValue,
    Instance,
    Value,
    Wrapper,
)
from headrace_inspect._models._classes import methods_of
from headrace_inspect._models._routes import routes_in
from headrace_inspect._models._signals import connections_in
from headrace_inspect._models._tasks import task_function, tasks_in
from headrace_inspect._symbols._entities import Class, Function, Module

from ._paths import ModuleNames, Paths
from ._schedules import schedules_in


@dataclass(eq=False, slots=True)
class Node:
    """A place where a program is entered, or a function that publishes, sends or requests.

    Attributes:
        id: the dotted name of the function or class, unique in the program.
        kind: ``route``, ``command``, ``schedule``, ``task``, ``receiver`` or ``function``.
        name: what it is called: ``POST /orders``, ``shop.tasks.mail``.
        line: the line of its definition.
        function: the function, or None of a class whose methods a framework calls.
        contexts: what runs when it is entered.
        tasks: the functions that a schedule publishes.
    """

    id: str
    kind: str
    name: str
    module: Module
    line: int
    function: Function | None = None
    contexts: list[Context] = field(default_factory=list)
    tasks: tuple[Function, ...] = ()


class Nodes:
    """The nodes of a program, outside its tests."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._names = ModuleNames(engine.program.files)
        self._by_function: dict[Function, Node] = {}
        self._by_closure: dict[tuple[Function, object], Node] = {}
        self.all: dict[str, Node] = {}
        self._add_tasks()
        self._add_commands()
        for one in connections_in(engine):
            self._add_value("receiver", one.receiver)
        self._add_routes()
        for schedule in schedules_in(engine):
            name = f"{self._names.of(schedule.module)}.{schedule.name}"
            made = self._add("schedule", name, schedule.name, schedule.module, schedule.line)
            if made is not None:
                made.tasks = schedule.tasks

    def of(self, function: Function) -> Node | None:
        """Return the node that a function is."""
        return self._by_function.get(function)

    def add_function(self, function: Function) -> None:
        """Add a function that nothing known enters."""
        self._add_function("function", function)

    def fill(self) -> None:
        """Find what runs when the nodes that are functions are entered."""
        for context in self.engine.all_contexts():
            function = context.function
            node = None if function is None else self._by_closure.get((function, context.captured))
            if node is None and function is not None:
                node = self.of(function)
            if node is not None and context not in node.contexts:
                node.contexts.append(context)

    def _add(self, kind: str, name: str, label: str, module: Module, line: int) -> Node | None:
        if module.is_test:
            return None
        while name in self.all:
            name += "'"
        self.all[name] = made = Node(name, kind, label, module, line)
        return made

    def _add_function(self, kind: str, function: Function | None, label: str = "") -> None:
        if function is None or function in self._by_function:
            return
        name = f"{self._names.of(function.module)}.{function.qualname}"
        line = function.node.lineno
        made = self._add(kind, name, label or name, function.module, line)
        if made is not None:
            self._by_function[function] = made
            made.function = function

    def _add_value(self, kind: str, value: Value, label: str = "") -> None:
        """Add a function with what decorators have put around it."""
        function = task_function(value)
        self._add_function(kind, function, label)
        node = None if function is None else self.of(function)
        body = value.inner if isinstance(value, Wrapper) else value
        if node is not None and isinstance(body, FunctionValue) and body.function is not function:
            self._by_closure[body.function, body.captured] = node

    def _add_class(self, kind: str, cls: Class, label: str) -> None:
        """Add a class whose methods a framework calls."""
        name = f"{self._names.of(cls.module)}.{cls.qualname}"
        if name in self.all:
            return
        made = self._add(kind, name, label, cls.module, cls.node.lineno)
        for method in methods_of(self.engine, cls) if made is not None else ():
            if made is not None and not _is_static(method):
                made.contexts.append(self.engine.context(FunctionValue(method, Instance(cls))))

    # --- what is entered --------------------------------------------------------------------------

    def _add_tasks(self) -> None:
        for task in tasks_in(self.engine).by_name.values():
            function = task_function(task)
            modules = [] if function is None else self.engine.program.names_of(function.module)
            is_named = task.name.rpartition(".")[0] not in modules
            self._add_value("task", task, task.name if is_named else "")
        for cls in self.engine.all_classes():
            if self.engine.classes.is_a(cls, "celery.Task") and "run" in cls.members:
                self._add_class("task", cls, cls.name)
        for context in self.engine.all_contexts():
            for event in context.events:
                if event.kind == ENQUEUE and not context.is_test:
                    for target in event.targets:
                        if (target.function, target.captured) not in self._by_closure:
                            self._add_function("task", target.function)

    def _add_commands(self) -> None:
        for path in self.engine.program.files:
            module = self.engine.program.module(path)
            if module is None:
                continue
            if "/management/commands/" in path:
                command = self.engine.names.in_module(module, "Command")
                if isinstance(command, ClassValue):
                    self._add_class("command", command.cls, paths.basename(path)[:-3])
            for bindings in module.bindings.values():
                for binding in bindings:
                    if isinstance(binding, ast.FunctionDef) and _is_command(binding):
                        function = self.engine.program.function(binding, module)
                        self._add_function("command", function, function.name)

    def _add_routes(self) -> None:
        whole = Paths(self.engine)
        for route in routes_in(self.engine):
            path = whole.of(route.module, route.path)
            if isinstance(route.endpoint, ClassValue):
                label = " ".join([*[verb.upper() for verb, _ in route.actions], path])
                self._add_class("route", route.endpoint.cls, label)
            else:
                self._add_value("route", route.endpoint, " ".join([*sorted(route.verbs), path]))


def _is_static(function: Function) -> bool:
    names = {getattr(one, "id", "") for one in function.decorators}
    return bool(names & {"staticmethod", "classmethod"})


def _is_command(node: ast.FunctionDef) -> bool:
    """Tell whether a decorator makes a function a command, as those of Click, Flask, Typer do."""
    called = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    return any(isinstance(one, ast.Attribute) and one.attr == "command" for one in called)
