"""Evaluates every body once per kind of arguments, and keeps what it does."""

from __future__ import annotations

import ast
from typing import Any

from headrace_inspect._symbols._entities import Class, Function, Module, Scope, module_of
from headrace_inspect._symbols._program import Program

from ._arguments import MOST, generalised, generalised_receiver, variables_of
from ._attributes import Attributes
from ._calls import Calls
from ._classes import Classes
from ._containers import Containers
from ._contexts import Context
from ._expressions import evaluate
from ._frame import Frame
from ._names import Names
from ._registry import Registry
from ._statements import run
from ._types import Types
from ._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    Constant,
    FunctionValue,
    Instance,
    Named,
    Object,
    Static,
    Value,
    shallow,
    union,
)

_DEEPEST = 60


class Engine:
    """What the bodies of a program run.

    Args:
        program: the source.
        registry: what is known of libraries.

    Attributes:
        contexts: the bodies that were evaluated, by function, receiver and variables.
        facts: what the models note.
        roots: functions that something outside calls: routes, receivers, nested tasks.
    """

    def __init__(self, program: Program, registry: Registry) -> None:
        self.program = program
        self.registry = registry
        self.names, self.classes, self.types = Names(self), Classes(self), Types(self)
        self.contexts: dict[Any, Context] = {}
        self.facts: dict[Any, Any] = {}
        self.roots: list[FunctionValue] = []
        self._asked: dict[Any, Context] = {}
        self._counts: dict[Function, int] = {}
        self._defaults: dict[ast.expr, Value] = {}
        self._hubs: dict[object, Context] = {}
        self._waiting: list[tuple[Context, Function, dict[str, Value]]] = []
        self._depth = 0
        attributes, calls, containers = Attributes(self), Calls(self), Containers(self)
        self.evaluate = evaluate
        self.attribute, self.set_attribute = attributes.get, attributes.set
        self.invoke, self.hand_over = calls.invoke, calls.hand_over
        self.bind, self.handler = calls.bind, calls.handler
        self.put, self.entries = containers.put, containers.entries
        self.contents, self.item, self.element = (
            containers.contents,
            containers.item,
            containers.element,
        )

    # --- evaluating -------------------------------------------------------------------------------

    def run_module(self, module: Module) -> None:
        """Evaluate the statements at the top of a module."""
        context = self.contexts[module] = Context(None, module)
        run(Frame(self, context, module, {}), module.tree.body)
        self._catch_up()

    def run_functions(self, scope: Module | Class) -> None:
        """Evaluate the functions that nothing has called, and methods for unknown subclasses."""
        members = scope.bindings if isinstance(scope, Module) else scope.members
        for binding in [binding for bindings in members.values() for binding in bindings]:
            if isinstance(binding, ast.ClassDef):
                self.run_functions(self.program.cls(binding, scope))
            elif isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef):
                function = self.program.function(binding, scope)
                receiver: Value | None = None
                if isinstance(scope, Class):
                    value = self.names.function(function)
                    receiver = Instance(scope)
                    if isinstance(value, Static):
                        receiver = ClassValue(scope) if value.is_class else None
                if isinstance(receiver, Instance) or function not in self._counts:
                    self.context(FunctionValue(function, receiver))
        self._catch_up()

    def run_roots(self) -> None:
        """Evaluate what the models found to be called from outside."""
        while self.roots:
            self.context(self.roots.pop())
            self._catch_up()

    def context(
        self, value: FunctionValue, arguments: Arguments = (), keywords: Named = ()
    ) -> Context:
        """Return what a function runs under some arguments."""
        asked = (value, arguments, keywords)
        found = self._asked.get(asked)
        if found is None:
            found = self._asked[asked] = self._context(value, arguments, keywords)
        return found

    def _context(self, value: FunctionValue, arguments: Arguments, keywords: Named) -> Context:
        function = value.function
        count = self._counts.get(function, 0)
        if count >= MOST:
            arguments, keywords = arguments[: len(function.parameters)], ()
        receiver = generalised_receiver(value.receiver, function.owner, count)
        arguments = tuple([generalised(one, count) for one in arguments])
        keywords = tuple([(name, generalised(one, count)) for name, one in keywords])
        captured = tuple([(name, generalised(one, count)) for name, one in value.captured])
        variables = dict(captured) | variables_of(self, function, receiver, arguments, keywords)
        literals: dict[str, object] = {
            name: one.value
            for name, one in keywords
            if isinstance(one, Constant) and isinstance(one.value, bool)
        }
        key = (function, receiver, tuple(variables.items()), *literals)
        found = self.contexts.get(key)
        if found is None:
            found = self.contexts[key] = Context(function, function.module, receiver)
            found.flags = {
                name: one.value
                for name, one in variables.items()
                if isinstance(one, Constant) and (one.value is None or isinstance(one.value, bool))
            }
            found.captured, found.literals = captured, literals
            self._counts[function] = count + 1
            self._waiting.append((found, function, variables))
            if self._depth < _DEEPEST:
                self._run(*self._waiting.pop())
        return found

    def _run(self, context: Context, function: Function, variables: dict[str, Value]) -> None:
        frame = Frame(self, context, function, variables)
        returns = getattr(function.node, "returns", None)
        declared = self.types.of(returns, function.scope, context.receiver)
        if function.is_generator:
            context.yielded = union(*self.contents(declared))
        else:
            context.result = declared
        self._depth += 1
        if isinstance(function.node, ast.Lambda):
            frame.returned.append(evaluate(frame, function.node.body))
        else:
            run(frame, function.node.body)
        self._depth -= 1
        result = shallow(union(*frame.returned))
        context.yielded = shallow(context.yielded)
        vague = Constant | Object if isinstance(declared, Instance) else Constant
        if (result is not UNKNOWN and not isinstance(result, vague)) or declared is UNKNOWN:
            context.result = result
        context.stored = frame.stored
        context.never_returns = frame.ran is None and not frame.returns and not function.is_abstract

    def _catch_up(self) -> None:
        while self._waiting and not self._depth:
            self._run(*self._waiting.pop())

    def quiet(self, scope: Scope) -> Frame:
        """Return a frame whose calls are not kept."""
        return Frame(self, Context(None, module_of(scope)), scope, {})

    def default(self, node: ast.expr | None, scope: Scope) -> Value:
        """Return the default of a parameter."""
        if node is None:
            return UNKNOWN
        if node not in self._defaults:
            self._defaults[node] = UNKNOWN
            self._defaults[node] = evaluate(self.quiet(scope), node)
        return self._defaults[node]

    def hub(self, key: object) -> Context:
        """Return the place that joins bodies under `key`."""
        return self._hubs.setdefault(key, Context(None, None))

    def all_contexts(self) -> list[Context]:
        """Return all bodies that were evaluated, and the places that join them."""
        found = dict.fromkeys([*self.contexts.values(), *self._hubs.values()])
        waiting = list(found)
        while waiting:
            for event in waiting.pop().events:
                new = [target for target in event.targets if target not in found]
                found.update(dict.fromkeys(new))
                waiting += new
        return list(found)

    # --- defining ---------------------------------------------------------------------------------

    def define(self, frame: Frame, function: Function) -> Value:
        """Return what a ``def`` statement gives."""
        if not isinstance(frame.scope, Function):
            return self.names.function(function)
        value = FunctionValue(function, None, self.captured(frame, function))
        if function.decorators:
            self.roots.append(value)
        return self.decorated(frame, function, value)

    def decorated(self, frame: Frame, function: Function, value: Value) -> Value:
        """Apply the decorators of `function`; an unknown one changes nothing."""
        for node in reversed(function.decorators):
            decorator = evaluate(frame, node)
            for note in self.registry.decorating:
                note(frame, node, value, function)
            outer, frame.decorating = frame.decorating, function
            made = frame.call(decorator, node, (value,))
            frame.decorating = outer
            if made is not UNKNOWN and not isinstance(made, Object | Constant):
                value = made
        return value

    def define_class(self, cls: Class) -> Value:
        """Return what a ``class`` statement gives, and define its methods."""
        for binding in [binding for bindings in cls.members.values() for binding in bindings]:
            if isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef):
                self.names.function(self.program.function(binding, cls))
            elif isinstance(binding, ast.ClassDef):
                self.define_class(self.program.cls(binding, cls))
        return self.names.cls(cls)

    def captured(self, frame: Frame, function: Function) -> Named:
        """Return those variables of a running body that an inner function uses."""
        if not isinstance(frame.scope, Function):
            return ()
        known = [(name, frame.variables.get(name, UNKNOWN)) for name in sorted(function.free)]
        return tuple([(name, shallow(one, 3)) for name, one in known if one is not UNKNOWN])

    def all_classes(self) -> list[Class]:
        """Return the classes at the top of all modules."""
        return [
            self.program.cls(binding, module)
            for path in self.program.files
            if (module := self.program.module(path)) is not None
            for bindings in module.bindings.values()
            for binding in bindings
            if isinstance(binding, ast.ClassDef)
        ]
