"""Evaluates each function body once per context, and records its effects."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeVar

from headrace_inspect._symbols._entities import Function, Module, Scope
from headrace_inspect._symbols._program import Program
from headrace_inspect._symbols._syntax import Expr

from ._arguments import (
    MAX_CONTEXTS,
    context_key,
    omitted_parameters,
    receiver_for,
    record_arguments,
    variables_of,
)
from ._attributes import Attributes
from ._calls import Calls
from ._classes import Classes
from ._containers import Containers
from ._contexts import Context
from ._demand import Demand
from ._expressions import EXPRESSIONS, INSTRUCTIONS, define
from ._names import Names, Types
from ._registry import Registry
from ._store import Store
from ._values import (
    Arguments,
    ClassValue,
    Constant,
    FunctionValue,
    Instance,
    Named,
    Object,
    Pending,
    Value,
    shallow,
    union,
)

_MAX_DEPTH = 60
_MAX_ROUNDS = 3
T = TypeVar("T")


class Engine:
    """Evaluates a program and holds the effects of its function bodies.

    Args:
        program: the source.
        registry: the models of libraries.

    Attributes:
        contexts: the evaluated bodies, by function, receiver and arguments.
        roots: functions called from outside the program: nested tasks and receivers.
        properties: the names of attributes that are methods.
    """

    def __init__(self, program: Program, registry: Registry) -> None:
        self.program, self.registry = program, registry
        self.handlers, self.instructions, self.define = EXPRESSIONS, INSTRUCTIONS, define
        self.contexts: dict[Any, Context] = {}
        self.store = Store()
        self._facts: dict[type, Any] = {}
        self.roots: list[FunctionValue] = []
        self.names, self.types, self.classes = Names(self), Types(self), Classes(self)
        self.attributes = Attributes(self)
        calls, containers = Calls(self), Containers(self)
        self.invoke, self.hand_over = calls.invoke, calls.hand_over
        self.bind, self.handler = calls.bind, calls.handler
        self.put, self.contents = containers.put, containers.contents
        self.item, self.element = containers.item, containers.element
        self.properties = set[str]()
        self._called: dict[Any, Context] = {}
        self._counts: dict[Function, int] = defaultdict(int)
        self._call_targets: dict[object, Context] = {}
        self._homes: dict[Scope, Context] = {}
        self._depth = 0

    # --- evaluating -------------------------------------------------------------------------------

    def run(self, modules: list[Module], *, is_total: bool) -> None:
        """Evaluate modules, and the wanted instructions of functions.

        Args:
            modules: the modules, in the order in which they are evaluated.
            is_total: whether every instruction is wanted.
        """
        for module in modules:
            self.properties.update(_properties_of(module))
        subclasses = self.classes.subclasses
        self.demand = Demand(modules, self.registry, subclasses, is_total=is_total)
        self.classes.find_subclasses()
        for module in modules:
            self.contexts[module] = self.home(module)
            self.run_waiting()

    def run_functions(self, module: Module) -> None:
        """Evaluate functions without a known caller, and methods for unknown subclasses."""
        for function in module.functions:
            if not self._counts[function]:
                self._run_function(function)
        self.run_waiting()

    def _run_function(self, function: Function) -> None:
        if function.owner is not None or function.home is not function.module:
            self.home(function)
        elif not function.is_lambda:
            self.context(FunctionValue(function))

    def run_roots(self) -> None:
        """Evaluate the roots, then re-evaluate bodies that read outdated values."""
        while self.roots:
            self.context(self.roots.pop())
            self.run_waiting()
        for _ in range(_MAX_ROUNDS):
            outdated = [one for one in self.store.outdated() if one.scope is not None]
            for context in outdated:
                context.forget()
                self.demand.reopen(context)
            self.run_waiting()
            for context in outdated:
                if self.store.is_awaited(("result", context)):
                    self.store.put(("result", context), context.result)

    def run_waiting(self) -> None:
        """Evaluate the wanted instructions, until there are no more."""
        demand, properties = self.demand, self.properties
        while True:
            for context, number in demand.instructions():
                node = context.code.ops[number]
                if node[0] != "a" or node[2] in properties:
                    context.execute(number)
            checks = list(demand.checks())
            for scope, number in checks:
                self._check(scope, number)
            missing = demand.missing()
            if not missing and not checks:
                break
            for scope in missing:
                if isinstance(scope, Function) and demand.covers(scope.module):
                    self._run_function(scope)

    def _check(self, scope: Scope, number: int) -> None:
        """Want a definition, or the function of a result (-1), if its value is relevant."""
        if not self.demand.covers(scope.module):
            return
        if number >= 0:
            name, value = scope.code.definitions[number][1], self.home(scope).definition(number)
            self.demand.note_assignment(name, value)
            for cls in scope.module.classes if isinstance(value, Object) else ():
                if number in cls.names.get(name, ()):  # a field created by a call
                    self.demand.note_assignment(cls.name, value)
        elif isinstance(scope, Function) and scope.name not in self.demand.names:
            for context in self.demand.contexts_of(scope) or [self.home(scope)]:
                self.demand.note_assignment(scope.name, context.result)

    def order(self) -> None:
        """Put the events of all bodies in order."""
        for context in self.all_contexts():
            context.order()

    def context(
        self,
        value: FunctionValue,
        arguments: Arguments = (),
        keywords: Named = (),
        *,
        is_complete: bool = False,
    ) -> Context:
        """Return the context of a call, to be evaluated if it is new.

        Args:
            value: the function.
            arguments: the positional arguments.
            keywords: the keyword arguments.
            is_complete: whether these are all the arguments of the call.
        """
        call = (value, arguments, keywords, is_complete)
        found = self._called.get(call)
        if found is None:
            found = self._called[call] = self._context(*call)
        return found

    def _context(
        self, value: FunctionValue, arguments: Arguments, keywords: Named, is_complete: bool
    ) -> Context:
        function, receiver = value.function, value.receiver
        count = self._counts[function]
        if isinstance(receiver, Instance) and function.owner is not None:
            receiver = receiver_for(self, function, function.owner, receiver)
        captured = value.captured
        if count >= MAX_CONTEXTS and (function, receiver, captured) not in self.contexts:
            captured = ()
        key: Any = (function, receiver, captured)
        omitted: tuple[str, ...] = ()
        if is_complete and function.syntax.tested:
            omitted = omitted_parameters(function, receiver, arguments, keywords)
        positional: Arguments = ()
        named: Named = ()
        if arguments or keywords:
            self._pass_on(value, arguments, keywords)
            positional = tuple([context_key(one, count) for one in arguments])
            named = tuple([(name, context_key(one, count)) for name, one in keywords])
            while positional and positional[-1] is None:
                positional = positional[:-1]
            named = tuple([one for one in named if one[1] is not None])
            record_arguments(self, function, receiver, arguments, keywords)
        if positional or named or omitted:
            key = (function, receiver, captured, positional, named, omitted)
        found = self.contexts.get(key)
        if found is None:
            found = self.contexts[key] = Context(
                self, function, function.module, receiver, captured
            )
            self._counts[function] = count + 1
            variables_of(self, found, positional, named, omitted)
            self.demand.open(found)
        return found

    def _pass_on(self, value: FunctionValue, arguments: Arguments, keywords: Named) -> None:
        function, demand = value.function, self.demand
        skipped = value.receiver is not None and function.owner is not None
        rest = function.syntax.vararg or ""
        names = [one[0] for one in function.parameters[skipped:]]
        for number, one in enumerate(arguments):
            demand.note_argument(function, names[number] if number < len(names) else rest, one)
        for name, one in keywords:
            demand.note_argument(
                function, name if name in names else function.syntax.kwarg or "", one
            )

    def result_of(self, context: Context, declared: Value) -> Value:
        """Return the result of a body, or what its annotation declares."""
        function = context.function
        if function is None:
            return None
        if self._depth > _MAX_DEPTH:
            return declared
        self._depth += 1
        code = context.code
        if code.yields:
            found = [
                self.element(context, context.value(one)) if is_from else context.value(one)
                for one, is_from in code.yields
            ]
            produced = declared.result if isinstance(declared, Pending) else None
            produced = self.element(context, declared) if produced is None else produced
            made: Value = Pending(
                shallow(union(*found, produced)), is_generator=True, made_by=context
            )
        else:
            made = declared
            found = [context.value(one) for one in code.returns]
            result = shallow(union(*found)) if found else None
            is_vague = isinstance(result, Constant | Object) and isinstance(declared, Instance)
            if (result is not None and not is_vague) or declared is None:
                made = result
        self._depth -= 1
        return made

    # --- contexts ---------------------------------------------------------------------------------

    def home(self, scope: Scope) -> Context:
        """Return the body in which the expressions of `scope` are evaluated."""
        found = self._homes.get(scope)
        if found is None:
            if isinstance(scope, Function):
                found = self.context(FunctionValue(scope, _receiver_of(scope)))
            else:
                found = Context(self, scope, scope)
                self.demand.open(found)
            self._homes[scope] = found
        return found

    def evaluate(self, scope: Scope, node: Expr) -> Value:
        """Return the value of an expression in `scope`."""
        return None if node is None else self.home(scope).value(node)

    def fact(self, kind: type[T]) -> T:
        """Return what the models record as `kind`; it is empty at first."""
        if kind not in self._facts:
            self._facts[kind] = kind()
        found: T = self._facts[kind]
        return found

    def entry(self, key: object, module: Module, line: int = 0) -> Context:
        """Return the body of what a framework runs for `key`, such as a route."""
        found = self.contexts[key] = Context(self, None, module, line=line)
        return found

    def call_targets(self, key: object) -> Context:
        """Return the context that collects what a call may reach by `key`, such as a task name."""
        found = self._call_targets.get(key)
        if found is None:
            found = self._call_targets[key] = Context(self, None, None)
        return found

    def all_contexts(self) -> list[Context]:
        """Return all evaluated bodies, and the contexts that collect call targets."""
        found = dict.fromkeys([*self.contexts.values(), *self._call_targets.values()])
        waiting = list(found)
        while waiting:
            for event in waiting.pop().events:
                new = [target for target in event.targets if target not in found]
                found.update(dict.fromkeys(new))
                waiting += new
        return list(found)


def _receiver_of(function: Function) -> Value:
    names = [node for _, node in function.decorators]
    if function.owner is None or "staticmethod" in names:
        return None
    return ClassValue(function.owner) if "classmethod" in names else Instance(function.owner)


def _properties_of(module: Module) -> list[str]:
    """Return the members that a decorator or function named ``...property`` defines."""
    found: list[str] = []
    for cls in module.classes:
        for name, ids in cls.names.items():
            about = cls.code.definitions[ids[-1]]
            nodes = [about[2]] if about[0] == "=" else []
            if about[0] == "def":
                nodes = [node for _, node in module.functions[about[2]].decorators]
            for node in nodes:
                called = node[3] if type(node) is tuple and node[0] == "c" else node
                last = called[2] if type(called) is tuple and called[0] == "a" else called
                if type(last) is tuple and last[0] == "v":
                    last = last[1]
                if type(last) is str and last.lower().endswith(("property", "hybrid")):
                    found.append(name)
    return found
