"""Evaluates each function body once per context, and records its effects."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeVar

from headrace_inspect._symbols._entities import Class, Function, Module, Scope, module_of
from headrace_inspect._symbols._program import Program

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
from ._contexts import Context, Frame
from ._expressions import evaluate
from ._names import Names, Types
from ._registry import Registry
from ._statements import run
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
    Static,
    Value,
    shallow,
    union,
)

_MAX_DEPTH = 40
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
    """

    def __init__(self, program: Program, registry: Registry) -> None:
        self.program, self.registry = program, registry
        self.contexts: dict[Any, Context] = {}
        self.store = Store()
        self._facts: dict[type, Any] = {}
        self.roots: list[FunctionValue] = []
        self.names, self.types, self.classes = Names(self), Types(self), Classes(self)
        self.attributes, self.evaluate = Attributes(self), evaluate
        calls, containers = Calls(self), Containers(self)
        self.invoke, self.hand_over = calls.invoke, calls.hand_over
        self.bind, self.handler = calls.bind, calls.handler
        self.put, self.contents = containers.put, containers.contents
        self.item, self.element = containers.item, containers.element
        self._called: dict[Any, Context] = {}
        self._counts: dict[Function, int] = defaultdict(int)
        self._call_targets: dict[object, Context] = {}
        self._waiting: list[Context] = []
        self._depth = 0

    # --- evaluating -------------------------------------------------------------------------------

    def run_module(self, module: Module) -> None:
        """Evaluate the top-level statements of a module."""
        context = self.contexts[module] = Context(None, module)
        run(Frame(self, context, module, {}), module.body)
        self._run_waiting()

    def run_functions(self, module: Module) -> None:
        """Evaluate functions without a known caller, and methods for unknown subclasses."""
        for function in module.functions:
            owner = function.owner
            if self._counts[function]:
                continue
            if owner is not None:
                value = self.names.function(function)
                receiver: Value = Instance(owner)
                if isinstance(value, Static):
                    receiver = ClassValue(owner) if value.is_class else None
                self.context(FunctionValue(function, receiver))
            elif function.scope is module and not function.is_lambda:
                self.context(FunctionValue(function))
        self._run_waiting()

    def run_roots(self) -> None:
        """Evaluate the roots, then re-evaluate bodies that read outdated values."""
        while self.roots:
            self.context(self.roots.pop())
            self._run_waiting()
        for _ in range(_MAX_ROUNDS):
            for context in self.store.outdated():
                self._rerun(context)
            self._run_waiting()

    def context(
        self,
        value: FunctionValue,
        arguments: Arguments = (),
        keywords: Named = (),
        *,
        is_complete: bool = False,
    ) -> Context:
        """Return the context of a call, evaluating the body if the context is new.

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
            receiver = receiver_for(self, function, function.owner, receiver, count)
        captured = value.captured if count < MAX_CONTEXTS else ()
        key: Any = (function, receiver, captured)
        omitted: tuple[str, ...] = ()
        if is_complete and function.syntax.tested:
            omitted = omitted_parameters(function, receiver, arguments, keywords)
        positional: Arguments = ()
        named: Named = ()
        if arguments or keywords:
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
            found = self.contexts[key] = Context(function, function.module, receiver, captured)
            self._counts[function] = count + 1
            found.variables = variables_of(self, found, positional, named, omitted)
            if self._depth < _MAX_DEPTH:
                self._run(found)
            else:
                self._waiting.append(found)
        return found

    def _run(self, context: Context) -> None:
        function = context.function
        if function is None:
            return
        syntax, frame = function.syntax, Frame(self, context, function, context.variables.copy())
        declared = self.types.of(syntax.returns, function.scope, context.receiver)
        if not syntax.is_generator:
            context.result = declared
        self._depth += 1
        run(frame, function.body)
        self._depth -= 1
        if syntax.is_generator:
            produced = declared.result if isinstance(declared, Pending) else None
            produced = self.element(frame, declared) if produced is None else produced
            context.yielded = shallow(union(context.yielded, produced))
            context.result = Pending(context.yielded, is_generator=True, made_by=context)
            return
        result = shallow(union(*frame.returned)) if frame.returned else None
        is_vague = isinstance(result, Constant | Object) and isinstance(declared, Instance)
        if (result is not None and not is_vague) or declared is None:
            context.result = result
        if context.result is not None:
            self.store.put(("result", context), context.result)
        context.never_returns = frame.ran is None and not frame.returns and not syntax.is_abstract

    def _rerun(self, context: Context) -> None:
        if context.function is None and context.module is not None:
            return
        context.events.clear()
        context.blocks.clear()
        self._run(context)

    def _run_waiting(self) -> None:
        while self._waiting and not self._depth:
            self._run(self._waiting.pop())

    # --- contexts ---------------------------------------------------------------------------------

    def scratch_frame(self, scope: Scope) -> Frame:
        """Return a frame that discards the calls recorded in it."""
        return Frame(self, Context(None, module_of(scope)), scope, {})

    def fact(self, kind: type[T]) -> T:
        """Return what the models record as `kind`; it is empty at first."""
        if kind not in self._facts:
            self._facts[kind] = kind()
        found: T = self._facts[kind]
        return found

    def entry(self, key: object, module: Module, line: int = 0) -> Frame:
        """Return the frame of the code that a framework runs for `key`, such as a route."""
        context = self.contexts[key] = Context(None, module, line=line)
        return Frame(self, context, module, {})

    def call_targets(self, key: object) -> Context:
        """Return the context that collects what a call may reach by `key`, such as a task name."""
        found = self._call_targets.get(key)
        if found is None:
            found = self._call_targets[key] = Context(None, None)
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

    # --- defining ---------------------------------------------------------------------------------

    def define(self, frame: Frame, function: Function) -> Value:
        """Return the value of a ``def`` statement."""
        if not isinstance(frame.scope, Function):
            return self.names.function(function)
        value = FunctionValue(function, None, self.captured(frame, function))
        if function.decorators:
            self.roots.append(value)
        return self.decorated(frame, function, value)

    def decorated(self, frame: Frame, function: Function, value: Value) -> Value:
        """Apply the decorators of `function`; an unknown decorator returns its argument."""
        for _, node in reversed(function.decorators):
            decorator = evaluate(frame, node)
            for hook in self.registry.decorating:
                hook(frame, node, value, function)
            outer, frame.decorating = frame.decorating, function
            made = frame.call(decorator, node, (value,))
            frame.decorating = outer
            if made is not None and not isinstance(made, Object | Constant):
                value = made
        return value

    def define_class(self, cls: Class) -> Value:
        """Return the value of a ``class`` statement, and define its methods."""
        for binding in [one for bindings in cls.members.values() for one in bindings]:
            if isinstance(binding, Function):
                self.names.function(binding)
            elif isinstance(binding, Class):
                self.define_class(binding)
        value = ClassValue(cls)
        frame = self.scratch_frame(cls.scope)
        for _, node in reversed(cls.decorators):
            frame.call(evaluate(frame, node), node, (value,))
        return value

    def captured(self, frame: Frame, function: Function) -> Named:
        """Return the variables of `frame` that `function` closes over."""
        if not isinstance(frame.scope, Function):
            return ()
        variables = frame.variables
        known = [(name, variables.get(name)) for name in function.free]
        return tuple([(name, shallow(one)) for name, one in known if one is not None])
