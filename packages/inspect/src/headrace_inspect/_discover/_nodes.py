"""The entry points of a program: routes, commands, tasks, schedules and signal receivers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import path as paths
from typing import Any

from headrace_inspect._evaluate._contexts import ENQUEUE, Context, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    ClassValue,
    FunctionValue,
    Instance,
    Value,
    Wrapper,
    text_of,
)
from headrace_inspect._models._celery import class_tasks
from headrace_inspect._models._routes import Routes
from headrace_inspect._models._routing import decorated_by, literal, parts_of, settings_in
from headrace_inspect._models._signals import Connections
from headrace_inspect._models._tasks import Task, Tasks, finish, run_by_name, task_function
from headrace_inspect._report import Place
from headrace_inspect._source._discovery import shown
from headrace_inspect._symbols._entities import Class, Function, Module
from headrace_inspect._symbols._program import Program
from headrace_inspect._symbols._syntax import Expr

_MAX_DEPTH = 8
_PARAMETER = re.compile(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)|<(?:\w+:)?(\w+)>")


@dataclass(eq=False, slots=True)
class Node:
    """An entry point, or a function that publishes a task, sends a signal or makes a request.

    Attributes:
        id: the dotted name of the function or class, unique in the program.
        kind: ``route``, ``command``, ``schedule``, ``task``, ``receiver`` or ``function``.
        name: the display name: ``POST /orders``, ``shop.tasks.mail``.
        line: the line of its definition.
        function: the function; None for a class whose methods a framework calls.
    """

    id: str
    kind: str
    name: str
    module: Module
    line: int
    function: Function | None = None

    @property
    def place(self) -> Place:
        """Where it is defined."""
        return Place(shown(self.module.path), self.line)


class Nodes:
    """The nodes of a program, without its tests, and the bodies that each one runs."""

    def __init__(self, engine: Engine) -> None:
        self.all: dict[str, Node] = {}
        self._engine = engine
        self._entered: dict[object, set[Node]] = {}  # by context, closure or function
        files = [path for path in engine.program.files if path.endswith("/__init__.py")]
        self._packages = {paths.dirname(path) for path in files}
        self._modules = [one for one in engine.program.modules if not one.is_test]
        self._add_tasks()
        self._add_commands()
        for one in engine.fact(Connections):
            self._add_value("receiver", one.receiver)
        self._add_routes()
        self._add_schedules()

    def grouped(self, contexts: Iterable[Context]) -> dict[Node, list[Context]]:
        """Return the bodies that each node runs."""
        found: dict[Node, list[Context]] = {node: [] for node in self.all.values()}
        for one in contexts:
            keys = (one, (one.function, one.captured), one.function)
            for node in next((self._entered[key] for key in keys if key in self._entered), ()):
                found[node].append(one)
        return found

    def add(self, kind: str, entered: Function | Class | None, label: str = "") -> Node | None:
        """Add a function or class unless it is known; return its node."""
        if entered is None or entered.module.is_test:
            return None
        if entered not in self._entered:
            made = self._make(kind, entered.qualname, label, entered.module, entered.line)
            made.function = entered if isinstance(entered, Function) else None
            self._entered[entered] = {made}
        return next(iter(self._entered[entered]))

    def _make(self, kind: str, name: str, label: str, module: Module, line: int) -> Node:
        # Start at the outermost package, even if folders in between are not packages.
        folders = [one for one in self._packages if module.path.startswith(f"{one}/")]
        top = paths.dirname(min([*folders, module.path], key=len))
        file = paths.relpath(module.path, top).removesuffix(".py").removesuffix("/__init__")
        name = f"{file.replace('/', '.')}.{name}"
        while name in self.all:
            name += "'"
        self.all[name] = made = Node(name, kind, label or name, module, line)
        return made

    def _add_value(self, kind: str, value: Value, label: str = "") -> None:
        """Add a function with its wrappers, or a class with its methods."""
        cls = value.cls if isinstance(value, ClassValue) else None
        function = task_function(value)
        node = self.add(kind, cls or function, label)
        if node is not None and cls is not None:
            for method in self._engine.classes.methods_of(cls):
                context = self._engine.context(FunctionValue(method, Instance(cls)))
                self._entered.setdefault(context, set()).add(node)
        body = value.inner if isinstance(value, Wrapper) else value
        if node is not None and isinstance(body, FunctionValue) and body.function is not function:
            self._entered[body.function, body.captured] = {node}

    # --- entry points -----------------------------------------------------------------------------

    def _add_tasks(self) -> None:
        for task in self._engine.fact(Tasks).by_name.values():
            function = task_function(task)
            if not isinstance(task, Task):
                continue
            modules = [] if function is None else self._engine.program.names_of(function.module)
            is_named = task.name.rpartition(".")[0] not in modules
            self._add_value("task", task, task.name if is_named else "")
        for value in self._engine.fact(Tasks).background:
            self._add_value("task", value)
        classes = class_tasks(self._engine)
        bases = {base for cls in classes for base in self._engine.classes.sources(cls)[1:]}
        for cls in [cls for cls in classes if cls not in bases]:
            self._add_value("task", ClassValue(cls), cls.name)
        contexts = [one for one in self._engine.all_contexts() if not one.is_test]
        for event in [event for one in contexts for event in one.events if event.kind == ENQUEUE]:
            for target in event.targets:
                if (target.function, target.captured) not in self._entered:
                    self.add("task", target.function)

    def _add_commands(self) -> None:
        for module in self._modules:
            if "/management/commands/" in module.path:
                command = self._engine.names.in_module(module, "Command")
                if isinstance(command, ClassValue):
                    label = paths.basename(module.path).removesuffix(".py")
                    self._add_value("command", command, label)
            for function in [one for one in module.functions if one.scope is module]:
                if decorated_by(function, "command"):
                    self.add("command", function, function.name)

    def _add_routes(self) -> None:
        above = _url_parents(self._engine.program, self._modules)
        for route in self._engine.fact(Routes):
            verbs = sorted(route.verbs)
            if isinstance(route.endpoint, ClassValue):
                verbs = [verb.upper() for verb, _ in route.actions]
            module, path = route.module, route.path
            for _ in range(_MAX_DEPTH):
                module, prefix = above.get(module, (module, ""))
                path = prefix.rstrip("$") + path.lstrip("^")
            path = _PARAMETER.sub(lambda found: f"{{{found[1] or found[2]}}}", path)
            path = "/" + re.sub(r"[\\^$?]", "", path).strip("/")
            self._add_value("route", route.endpoint, " ".join([*verbs, path]))

    def _add_schedules(self) -> None:
        """Add the entries of mappings such as ``beat_schedule``."""
        for module in self._modules:
            frame = self._engine.scratch_frame(module)
            for key, entry, task in _schedule_entries(module):
                name = text_of(self._engine.evaluate(frame, task))
                label = text_of(self._engine.evaluate(frame, key)) or name or ""
                body = self._engine.entry((module, entry), module)
                run_by_name(body, name, entry)
                made = self._make("schedule", label, label, module, line_of(entry))
                self._entered[body.context] = {made}
        finish(self._engine)


def _url_parents(program: Program, modules: Iterable[Module]) -> dict[Module, tuple[Module, str]]:
    """Return the parent of each included URL module, and the literal path prefix."""
    above: dict[Module, tuple[Module, str]] = {}
    for module in [one for one in modules if "urls" in one.path or "rout" in one.path]:
        for prefix, name in _includes_in(module.body):
            found = program.find(name, 0, module)
            if isinstance(found, Module):
                above.setdefault(found, (module, prefix))
    return above


def _includes_in(node: Any) -> Iterator[tuple[str, str]]:
    for part in parts_of(node):
        match part:
            case (
                "c", _, _, _,
                (("k", str(prefix)), ("c", _, _, "include", (("k", str(name)), *_), _), *_), _,
            ):  # fmt: skip
                yield prefix, name


def _schedule_entries(module: Module) -> Iterator[tuple[Expr, Expr, Expr]]:
    """Yield the key, the entry and the task of each schedule entry."""
    tables = [value for _, value in settings_in(module.body)]
    for table in [one for one in tables if type(one) is tuple and one[0] == "d"]:
        for key, entry in table[3]:
            if type(entry) is tuple and entry[0] == "d":
                given = {literal(name): value for name, value in entry[3] if name != "**"}
                if "task" in given and "schedule" in given:
                    yield key, entry, given["task"]
