"""The map: the entry points of a program, how they reach each other, and the calls behind that."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import CALL, ENQUEUE, SIGNAL, Context, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    ClassValue,
    FunctionValue,
    Instance,
    Value,
    Wrapper,
    options_of,
    text_of,
)
from headrace_inspect._models._celery import class_tasks
from headrace_inspect._models._routes import Routes
from headrace_inspect._models._routing import decorated_by, literal, settings_in
from headrace_inspect._models._signals import Connections
from headrace_inspect._models._tasks import Task, Tasks, finish, run_by_name, task_function
from headrace_inspect._report import Link, Place
from headrace_inspect._shown._paths import CallPath, CallPaths, Reach, bits_in
from headrace_inspect._sources import shown
from headrace_inspect._symbols._entities import Class, Function, Module
from headrace_inspect._symbols._syntax import Expr, name_of, parts_of

Bodies = Mapping["Node", list[Context]]
_MAX_DEPTH = 8
_PARAMETER = re.compile(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)|<(?:\w+:)?(\w+)>")


@dataclass(eq=False, slots=True)
class Node:
    """An entry point, or a function that publishes a task, sends a signal or makes a request."""

    id: str  # the dotted name of the function or class, unique in the program
    kind: str  # ``route``, ``command``, ``schedule``, ``task``, ``receiver`` or ``function``
    name: str  # the display name: ``POST /orders``, ``shop.tasks.mail``
    module: Module
    line: int  # the line of its definition
    function: Function | None = None  # None for a class
    published: tuple[Place, ...] = ()  # the calls that publish a task or create its signature

    @property
    def place(self) -> Place:
        """Where it is defined."""
        return Place(shown(self.module.path), self.line)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of the map."""

    source: Node
    target: Node
    kind: str  # how the target is reached: the first boundary crossed
    evidence: tuple[Link, ...]  # the calls from source to target
    caller: Function | None = None  # the function of the source that makes the first call


def map_of(engine: Engine) -> tuple[list[Node], list[Edge]]:
    """Return the entry points of an evaluated program, and how they reach each other.

    A function that publishes a task, sends a signal or makes a request is a node if no other node
    reaches it.
    """
    nodes = Nodes(engine)
    engine.run_waiting()
    engine.order()
    contexts = [one for one in engine.all_contexts() if not one.is_test]
    bodies = nodes.grouped(contexts)
    reach = _reach(contexts, bodies)
    reached = _reached(bodies)
    for context in contexts:
        crosses = any(event.kind != CALL and reach.of_event(event) for event in context.events)
        if crosses and context.function not in reached:
            nodes.add("function", context.function)
    bodies = nodes.grouped(contexts)
    nodes.add_places(contexts)
    return [*bodies], [*_edges(bodies, _reach(contexts, bodies))]


def _reach(contexts: list[Context], bodies: Bodies) -> Reach:
    # A body that several classes inherit identifies none of them to its callers.
    shared = Counter(one for mine in bodies.values() for one in mine)
    numbered = [(one, 1 << number) for number, mine in enumerate(bodies.values()) for one in mine]
    own = {one: bit for one, bit in numbered if shared[one] == 1}
    return Reach(contexts, own, stops=True)


def _reached(bodies: Bodies) -> set[Function | None]:
    """Return the functions that the nodes reach."""
    waiting = [context for mine in bodies.values() for context in mine]
    seen = set(waiting)
    while waiting:
        targets = {target for event in waiting.pop().events for target in event.targets}
        waiting += targets - seen
        seen |= targets
    return {context.function for context in seen}


def _edges(bodies: Bodies, reach: Reach) -> Iterator[Edge]:
    paths, nodes = CallPaths(reach), list(bodies)
    for number, (source, mine) in enumerate(bodies.items()):
        best: dict[int, tuple[CallPath, Function | None]] = {}
        for context in mine:
            masks = [reach.of_event(event) for event in context.events]
            for bit in sorted({bit for mask in masks for bit in bits_in(mask)}):
                path = paths.inside(context, bit)
                is_own = bit == 1 << number and path is not None and path.kind == CALL
                if path and not is_own and (bit not in best or path.length < best[bit][0].length):
                    best[bit] = path, source.function or context.function
        for bit, (path, caller) in best.items():
            target = nodes[bit.bit_length() - 1]
            yield Edge(source, target, path.kind, tuple(path.links()), caller)


# --- entry points ---------------------------------------------------------------------------------


class Nodes:
    """The nodes of a program, without its tests, and the bodies that each one runs."""

    def __init__(self, engine: Engine) -> None:
        self.all: dict[str, Node] = {}
        self._engine = engine
        self._entered: dict[object, set[Node]] = {}  # by context, closure or function
        files = [path for path in engine.program.files if path.endswith("/__init__.py")]
        self._packages = {os.path.dirname(path) for path in files}
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
            for node in self._of(one):
                found[node].append(one)
        return found

    def _of(self, context: Context) -> set[Node]:
        keys = (context, (context.function, context.captured), context.function)
        return next((self._entered[key] for key in keys if key in self._entered), set())

    def add_places(self, contexts: Iterable[Context]) -> None:
        """Add to each task the places that publish it."""
        found: dict[Node, set[Place]] = {node: set() for node in self.all.values()}
        for one in self._engine.fact(Tasks).published.values():
            for task in options_of(one.task):
                entered = task.cls if isinstance(task, Instance) else task_function(task)
                for node in self._entered.get(entered, ()):
                    found[node].add(_place_in(one.context, line_of(one.node)))
        for context, event in [(one, event) for one in contexts for event in one.events]:
            if event.kind not in {CALL, SIGNAL} and event.line:
                named = [body for target in event.targets if target.function is None
                         for inner in target.events for body in inner.targets]  # fmt: skip
                for target in (*event.targets, *named):
                    for node in self._of(target):
                        found[node].add(_place_in(context, event.line))
        for node, places in found.items():
            node.published = tuple(sorted(places)) if node.kind == "task" else ()

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
        top = os.path.dirname(min([*folders, module.path], key=len))
        file = os.path.relpath(module.path, top).removesuffix(".py").removesuffix("/__init__")
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
        if node is None:
            return
        if cls is not None:
            for method in self._engine.classes.methods_of(cls):
                context = self._engine.context(FunctionValue(method, Instance(cls, is_exact=True)))
                self._entered.setdefault(context, set()).add(node)
        body = value.inner if isinstance(value, Wrapper) else value
        if isinstance(body, FunctionValue) and body.function is not function:
            self._entered[body.function, body.captured] = {node}

    def _add_tasks(self) -> None:
        tasks, classes = self._engine.fact(Tasks), class_tasks(self._engine)
        for task in tasks.by_name.values():
            function = task_function(task)
            if isinstance(task, Task):
                modules = self._engine.program.names_of(function.module) if function else []
                is_named = task.name.rpartition(".")[0] not in modules
                self._add_value("task", task, task.name if is_named else "")
        for value in tasks.background:
            self._add_value("task", value)
        bases = {base for cls in classes for base in self._engine.classes.sources(cls)[1:]}
        bases -= {one.cls for made in tasks.published.values() for one in options_of(made.task)
                  if isinstance(one, Instance) and one.is_exact}  # fmt: skip
        for cls in [cls for cls in classes if cls not in bases]:
            self._add_value("task", ClassValue(cls), cls.name)
        contexts = [one for one in self._engine.all_contexts() if not one.is_test]
        for event in [event for one in contexts for event in one.events if event.kind == ENQUEUE]:
            for target in event.targets:
                if not self._of(target):
                    self.add("task", target.function)

    def _add_commands(self) -> None:
        for module in self._modules:
            command = self._engine.names.in_module(module, "Command")
            if "/management/commands/" in module.path and isinstance(command, ClassValue):
                self._add_value("command", command, module.name.rpartition(".")[2])
            for function in [one for one in module.functions if one.owner is None]:
                if decorated_by(function, "command"):
                    self.add("command", function, function.name)

    def _add_routes(self) -> None:
        above = self._url_parents()
        for route in self._engine.fact(Routes):
            is_class = isinstance(route.endpoint, ClassValue)
            verbs = [verb.upper() for verb, _ in route.actions] if is_class else sorted(route.verbs)
            module, path = route.module, route.path
            for _ in range(_MAX_DEPTH):
                module, prefix = above.get(module, (module, ""))
                path = prefix.rstrip("$") + path.lstrip("^")
            path = _PARAMETER.sub(lambda found: f"{{{found[1] or found[2]}}}", path)
            path = "/" + re.sub(r"[\\^$?]", "", path).strip("/")
            self._add_value("route", route.endpoint, " ".join([*verbs, path]))

    def _url_parents(self) -> dict[Module, tuple[Module, str]]:
        """Return the parent of each included URL module, and the literal path prefix."""
        above: dict[Module, tuple[Module, str]] = {}
        modules = [one for one in self._modules if "urls" in one.path or "rout" in one.path]
        for module, part in [(one, part) for one in modules for part in parts_of(one.code)]:
            match part:
                case (
                    "c", _, _, _,
                    (("k", str(prefix)), ("c", _, _, called, (("k", str(name)), *_), *_), *_), *_,
                ) if name_of(called) == "include":  # fmt: skip
                    found = self._engine.program.find(name, 0, module)
                    if isinstance(found, Module):
                        above.setdefault(found, (module, prefix))
        return above

    def _add_schedules(self) -> None:
        """Add the entries of mappings such as ``beat_schedule``."""
        for module in self._modules:
            frame = self._engine.home(module)
            tables = [value for _, value in settings_in(module.code)]
            found = [pair for one in tables if _is_table(one) for pair in one[3]]
            for key, entry in [(key, entry) for key, entry in found if _is_table(entry)]:
                given = {literal(name): value for name, value in entry[3] if name != "**"}
                if {"task", "schedule"} <= given.keys():
                    name = text_of(frame.value(given["task"]))
                    label = text_of(frame.value(key)) or name or ""
                    body = self._engine.entry((module, entry), module)
                    run_by_name(body, name, entry)
                    made = self._make("schedule", label, label, module, line_of(entry))
                    self._entered[body] = {made}
        finish(self._engine)


def _place_in(context: Context, line: int) -> Place:
    return Place(shown(context.module.path) if context.module is not None else "", line)


def _is_table(node: Expr) -> bool:
    return type(node) is tuple and node[0] == "d"
