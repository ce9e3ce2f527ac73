"""Runs every body once per kind of arguments, and keeps what it does."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from headrace_inspect._symbols._bindings import bindings_in
from headrace_inspect._symbols._entities import (
    Assignment,
    Class,
    Function,
    Import,
    Module,
    Scope,
)
from headrace_inspect._symbols._program import Program

from ._assigning import assign
from ._attributes import Attributes
from ._calls import Arguments, Calls, Keywords
from ._classes import Classes, classes_in
from ._contexts import CALL, Context
from ._expressions import evaluate
from ._frame import Frame
from ._names import Names
from ._parameters import parameters
from ._registry import Registry
from ._statements import run
from ._types import Types
from ._values import (
    UNKNOWN,
    ClassValue,
    Constant,
    FunctionValue,
    Instance,
    Items,
    Object,
    Parallel,
    Pending,
    Static,
    Table,
    Value,
    options_of,
    shallow,
    union,
)

_DEEPEST = 60
_MOST_WITH_TEXTS = 6
_MOST_CONTEXTS = 24


class Engine:
    """What the bodies of a program run.

    Args:
        program: the source.
        registry: what is known of libraries.

    Attributes:
        contexts: the bodies that were run, by function, receiver and arguments.
        facts: what the models note.
        roots: functions that something outside calls: routes, receivers, nested tasks.
    """

    def __init__(self, program: Program, registry: Registry) -> None:
        self.program = program
        self.registry = registry
        self.names = Names(self)
        self.classes = Classes(self)
        self.types = Types(self)
        self.contexts: dict[Any, Context] = {}
        self.facts: dict[Any, Any] = {}
        self.roots: list[FunctionValue] = []
        self._attributes = Attributes(self)
        self._calls = Calls(self)
        self._added: dict[ast.AST, list[tuple[object, Value]]] = {}
        self._counts: dict[Function, int] = {}
        self._waiting: list[tuple[Context, FunctionValue, dict[str, Value]]] = []
        self._depth = 0
        self._asked: dict[Any, Context] = {}
        self._hubs: dict[object, Context] = {}
        self.invoke = self._calls.invoke
        self.hand_over = self._calls.hand_over
        self.bind = self._calls.bind
        self.attribute = self._attributes.get
        self.store = self._attributes.store
        self.set_attribute = self._attributes.set
        self.name = self.names.in_frame
        self.add_global = self.names.add_global
        self.evaluate = evaluate
        self.assign = assign

    # --- running ----------------------------------------------------------------------------------

    def run_module(self, module: Module) -> None:
        """Run the statements at the top of a module."""
        context = Context(None, module)
        self.contexts[module] = context
        run(Frame(self, context, module, {}), module.tree.body)
        self._catch_up()

    def run_functions(self, module: Module) -> None:
        """Run the functions and methods of a module, whoever calls them."""
        for bindings in list(module.bindings.values()):
            for binding in bindings:
                if isinstance(binding, ast.ClassDef):
                    self._run_methods(self.program.cls(binding, module))
                elif isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef):
                    self.context(FunctionValue(self.program.function(binding, module)))
        self._catch_up()

    def _run_methods(self, cls: Class) -> None:
        for name, bindings in cls.members.items():
            for binding in bindings:
                if isinstance(binding, ast.ClassDef):
                    self._run_methods(self.program.cls(binding, cls))
                elif isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef):
                    self._run_method(cls, self.program.function(binding, cls), name)

    def _run_method(self, cls: Class, function: Function, name: str) -> None:
        value = self.names.function(function)
        is_class = isinstance(value, Static) and value.is_class
        receiver: Value | None = ClassValue(cls) if is_class else Instance(cls)
        if isinstance(value, Static) and not is_class:
            receiver = None
        self.context(FunctionValue(function, receiver))

    def run_roots(self) -> None:
        """Run what the models found to be called from outside."""
        done: set[FunctionValue] = set()
        while self.roots:
            root = self.roots.pop()
            if root not in done:
                done.add(root)
                self.context(root)
                self._catch_up()

    def context(
        self, value: FunctionValue, arguments: Arguments = (), keywords: Keywords = ()
    ) -> Context:
        """Return what a function runs under some arguments."""
        asked = (value, arguments, keywords)
        found = self._asked.get(asked)
        if found is None:
            found = self._asked[asked] = self._context(value, arguments, keywords)
        return found

    def _context(self, value: FunctionValue, arguments: Arguments, keywords: Keywords) -> Context:
        function = value.function
        count = self._counts.get(function, 0)
        if count >= _MOST_WITH_TEXTS:
            arguments = tuple([_without_text(one) for one in arguments])
            keywords = tuple([(name, _without_text(one)) for name, one in keywords])
        if count >= _MOST_CONTEXTS:
            arguments, keywords = (), ()
            receiver = value.receiver
            if isinstance(receiver, Instance):
                receiver = Instance(receiver.cls, receiver.is_exact)
            value = FunctionValue(function, receiver, ())
        receiver = None if value.receiver is None else shallow(value.receiver, 3)
        arguments = tuple([shallow(one, 3) for one in arguments])
        keywords = tuple([(name, shallow(one, 3)) for name, one in keywords])
        variables = dict(value.captured)
        variables.update(parameters(self, function, receiver, arguments, keywords))
        key = (function, receiver, tuple(variables.items()))
        found = self.contexts.get(key)
        if found is None:
            found = Context(function, function.module, receiver, line=function.node.lineno)
            found.flags = _flags(variables)
            found.captured = value.captured
            self.contexts[key] = found
            self._counts[function] = self._counts.get(function, 0) + 1
            if self._depth >= _DEEPEST:
                self._waiting.append((found, value, variables))
            else:
                self._run(found, function, variables)
        return found

    def _run(self, context: Context, function: Function, variables: dict[str, Value]) -> None:
        self._depth += 1
        frame = Frame(self, context, function, variables)
        declared = self.types.of(
            getattr(function.node, "returns", None), function.scope, context.receiver
        )
        if function.is_generator:
            context.yielded = union(*self.contents(declared))
        else:
            context.result = declared
        try:
            if isinstance(function.node, ast.Lambda):
                frame.returned.append(evaluate(frame, function.node.body))
            else:
                run(frame, function.node.body)
        finally:
            self._depth -= 1
        told = shallow(union(*frame.returned))
        context.yielded = shallow(context.yielded)
        if (told is not UNKNOWN and not isinstance(told, Constant)) or declared is UNKNOWN:
            context.result = told
        context.stored = frame.stored
        context.never_returns = frame.ran is None and not frame.returns

    def _catch_up(self) -> None:
        while self._waiting:
            context, value, variables = self._waiting.pop()
            self._run(context, value.function, variables)

    def quiet(self, scope: Scope) -> Frame:
        """Return a frame of which nobody keeps what it runs."""
        module = scope if isinstance(scope, Module) else scope.module
        return Frame(self, Context(None, module), scope, {})

    def hub(self, key: object) -> Context:
        """Return the place where bodies hang together under `key`."""
        if key not in self._hubs:
            self._hubs[key] = Context(None, None, label=str(key))
        return self._hubs[key]

    def all_contexts(self) -> list[Context]:
        """Return all bodies that were run, and the places where some hang together."""
        found = dict.fromkeys([*self.contexts.values(), *self._hubs.values()])
        waiting = list(found)
        while waiting:
            for event in waiting.pop().events:
                for target in event.targets:
                    if target not in found:
                        found[target] = None
                        waiting.append(target)
        return list(found)

    # --- defining ---------------------------------------------------------------------------------

    def define(self, frame: Frame, function: Function) -> Value:
        """Return what a ``def`` statement gives."""
        if not isinstance(frame.scope, Function):
            return self.names.function(function)
        value = FunctionValue(function, None, self.captured(frame, function.free))
        if function.decorators:
            self.roots.append(value)
        return self.decorated(frame, function, value)

    def decorated(self, frame: Frame, function: Function, value: Value) -> Value:
        """Apply the decorators of `function`; one of which nothing is known changes nothing."""
        for node in reversed(function.decorators):
            decorator = evaluate(frame, node)
            for note in self.registry.decorating:
                note(frame, node, value, function)
            outer, frame.decorating = frame.decorating, function
            made = self.invoke(frame, decorator, (value,), (), node)
            frame.decorating = outer
            if made is not UNKNOWN and not isinstance(made, Object | Constant):
                value = made
        return value

    def define_class(self, frame: Frame, cls: Class) -> Value:
        """Return what a ``class`` statement gives, and define its methods."""
        for bindings in cls.members.values():
            for binding in bindings:
                if isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef):
                    self.names.function(self.program.function(binding, cls))
                elif isinstance(binding, ast.ClassDef):
                    self.define_class(frame, self.program.cls(binding, cls))
        return self.names.cls(cls)

    def captured(self, frame: Frame, free: Iterable[str]) -> tuple[tuple[str, Value], ...]:
        """Return those variables of a running body that an inner function uses."""
        if not isinstance(frame.scope, Function):
            return ()
        kept = [
            (name, shallow(frame.variables[name], 3))
            for name in sorted(free)
            if frame.variables.get(name, UNKNOWN) is not UNKNOWN
        ]
        return tuple(kept)

    def imported(self, node: ast.Import | ast.ImportFrom, module: Module) -> Mapping[str, Value]:
        """Return what an import statement in a function binds."""
        return {
            name: self.names.imported(binding, module)
            for name, binding in bindings_in([node])
            if isinstance(binding, Import)
        }

    def alias(self, node: ast.expr, scope: Scope) -> tuple[ast.expr, Scope] | None:
        """Return the annotation that a type alias stands for, and where it is written."""
        module = scope if isinstance(scope, Module) else scope.module
        if not isinstance(node, ast.Name):
            return None
        for _ in range(8):
            bindings = module.bindings.get(node.id, [])
            match bindings:
                case [Import(name=str(name)) as made]:
                    source = self.program.find(made.module, made.level, module)
                    if not isinstance(source, Module):
                        return None
                    module, node = source, ast.Name(name, ast.Load())
                case [Assignment(value=ast.Subscript() | ast.BinOp() as value)]:
                    return value, module
                case _:
                    return None
        return None

    def all_classes(self) -> list[Class]:
        """Return the classes at the top of all modules."""
        found = []
        for path in self.program.files:
            module = self.program.module(path)
            if module is not None:
                found += [self.program.cls(node, module) for node in classes_in(module)]
        return found

    # --- containers -------------------------------------------------------------------------------

    def put(self, container: Items | Table, key: object, value: Value) -> None:
        """Add something to a list or mapping after it was made."""
        if container.origin is not None and value is not UNKNOWN:
            added = self._added.setdefault(container.origin, [])
            if (key, value) not in added:
                added.append((key, value))

    def entries(self, container: Items | Table) -> list[tuple[object, Value]]:
        """Return the items of a container by their keys."""
        if isinstance(container, Items):
            entries: list[tuple[object, Value]] = list(enumerate(container.values))
        else:
            entries = list(container.entries)
        if container.origin is not None:
            entries += self._added.get(container.origin, [])
        return entries

    def contents(self, value: Value) -> tuple[Value, ...]:
        """Return the items of a container, in their order."""
        found: list[Value] = []
        for option in options_of(value):
            match option:
                case Items() | Table():
                    found += [one for _, one in self.entries(option)]
                case Pending(result=result):
                    found += self.contents(result)
                case Parallel(members=members):
                    found += members
                case _:
                    pass
        return tuple(found)

    def item(self, frame: Frame, value: Value, key: object) -> Value:
        """Return the item of a container at `key`, or all of them where it is not known."""
        results: list[Value] = []
        for option in options_of(value):
            if isinstance(option, Items | Table):
                entries = self.entries(option)
                exact = [one for known, one in entries if key is not None and known == key]
                if len(exact) > 1 and isinstance(option, Table):
                    exact = exact[-1:]  # what is put later replaces what was there
                if not exact:
                    exact = [one for known, one in entries if _is_open(known) or key is None]
                    if isinstance(option, Items) and len(option.values) == 1:
                        exact = [one for _, one in entries]
                results += exact
            elif isinstance(option, Pending):
                results.append(self.item(frame, option.result, key))
        return union(*results)

    def element(self, frame: Frame, value: Value) -> Value:
        """Return what iterating over `value` gives."""
        results: list[Value] = []
        for option in options_of(value):
            special = self.registry.elements.get(type(option))
            if special is not None:
                results.append(special(frame, option))
            elif isinstance(option, Table):
                continue
            elif isinstance(option, Instance):
                results.append(self._iterated(frame, option))
            else:
                results += self.contents(option)
        return union(*results)

    def _iterated(self, frame: Frame, value: Instance) -> Value:
        node = ast.Pass()
        node.lineno = getattr(frame.context, "line", 0)
        for start, following in (("__iter__", "__next__"), ("__aiter__", "__anext__")):
            if self.classes.find(value.cls, start) is None:
                continue
            method = self.attribute(frame, value, start, node)
            made = self.invoke(frame, method, (), (), node, CALL)
            for option in options_of(made):
                if isinstance(option, Instance):
                    method = self.attribute(frame, option, following, node)
                    result = self.invoke(frame, method, (), (), node, CALL)
                    return union(*[_result(frame, one, node) for one in options_of(result)])
            found = union(*self.contents(made))
            for option in options_of(made):
                if isinstance(option, Pending):
                    frame.emit(option.targets, node)
            return found
        return UNKNOWN


def _flags(variables: Mapping[str, Value]) -> dict[str, bool | None]:
    return {
        name: value.value
        for name, value in variables.items()
        if isinstance(value, Constant) and (value.value is None or isinstance(value.value, bool))
    }


def _result(frame: Frame, value: Value, node: ast.AST) -> Value:
    if isinstance(value, Pending) and not value.is_generator:
        frame.emit(value.targets, node)
        return value.result
    return value


def _without_text(value: Value) -> Value:
    return UNKNOWN if isinstance(value, Constant) else value


def _is_open(key: object) -> bool:
    return key is None or isinstance(key, Value)
