"""Calls: their targets and results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Class, Function

from ._contexts import CALL, Call
from ._expressions import await_
from ._registry import Handler
from ._values import (
    Bound,
    ClassValue,
    External,
    FunctionValue,
    HandOver,
    Instance,
    Known,
    Named,
    Object,
    Partial,
    Pending,
    Static,
    Super,
    Union,
    Value,
    Wrapper,
    options_of,
    shallow,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine


_CALLABLES = frozenset([FunctionValue, Bound, Partial, Union])


class Calls:
    """Evaluates calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._injected: dict[Function, list[tuple[str, Value]]] = {}
        self._injecting: set[Function] = set()

    def invoke(self, callee: Value, call: Call) -> Value:
        """Evaluate a call of `callee`: record its targets and return its result."""
        if type(callee) is FunctionValue:
            return self._function(callee, call)
        if callee is None:
            self._escape(call)
            return None
        options = options_of(callee)
        if len(options) == 1:
            return self._invoke(callee, call)
        return union(*call.frame.each(options, lambda one: self.invoke(one, call)))

    def _escape(self, call: Call) -> None:
        """Call functions that are created for the call and escape into its unknown callee."""
        if not call.arguments and not call.keywords:
            return
        given = [one for one in call.arguments if type(one) in _CALLABLES]
        given += [one for _, one in call.keywords if type(one) in _CALLABLES]
        for value in given:
            for one in options_of(value):
                is_made = isinstance(one, FunctionValue) and one.function.syntax.outer >= 0
                is_handle = isinstance(one, Bound) and isinstance(one.owner, Wrapper)
                if is_made or is_handle or isinstance(one, Partial):
                    self.hand_over(one, call.with_arguments())

    def hand_over(self, callee: Value, call: Call) -> Value:
        """Record that `callee` runs elsewhere or later, and return its eventual result."""
        frame = call.frame
        count = len(frame.opened)
        made = frame.each(options_of(callee), lambda one: await_(self.invoke(one, call)))
        for event in frame.opened[count:] if call.kind != CALL else ():
            event.kind = call.kind
            self._engine.demand.mark_relevant(frame)
        return union(*made)

    def _invoke(self, callee: Known, call: Call) -> Value:
        match callee:
            case Bound(owner=owner, name=name):
                return self._by_model(self.handler(owner, name), owner, name, call)
            case External(name=name):
                return self._by_model(self._engine.registry.functions.get(name), callee, name, call)
            case ClassValue():
                return self._construct(callee, call)
            case Instance() | Super():
                method = self._engine.attributes.get(call.frame, callee, "__call__", call.node)
                if isinstance(method, Bound | Instance):  # an object may be its own __call__
                    return None
                return self.invoke(method, call)
            case Partial(inner=inner, arguments=first, keywords=named):
                given = call.with_arguments((*first, *call.arguments), (*named, *call.keywords))
                return self.invoke(inner, given)
            case HandOver(inner=inner, kind=kind):
                return self.hand_over(
                    inner, call.with_arguments(call.arguments, call.keywords, kind)
                )
        handler = self.handler(callee, "__call__")
        if handler is not None:
            return handler(call.for_model(callee, "__call__"))
        return self.invoke(callee.inner, call) if isinstance(callee, Wrapper | Static) else None

    def _function(self, callee: FunctionValue, call: Call) -> Value:
        function, frame, arguments = callee.function, call.frame, call.arguments
        if callee.receiver is None and function.owner is not None and arguments:
            is_static = any(node == "staticmethod" for _, node in function.decorators)
            if isinstance(arguments[0], Instance | ClassValue) and not is_static:
                callee, arguments = replace(callee, receiver=arguments[0]), arguments[1:]
        keywords = (*call.keywords, *self._inject(function, call))
        context = self._engine.context(callee, arguments, keywords, is_complete=call.is_complete)
        frame.emit((context,), call.node, call.kind)
        result = context.result
        if result is None:
            self._engine.store.wait(("result", context), frame)
        if context.never_returns and call.kind == CALL and not function.syntax.is_async:
            frame.stop()
        is_plain = function.syntax.is_async and not function.is_generator
        return Pending(result, is_generator=False) if is_plain else result

    def _inject(self, function: Function, call: Call) -> Named:
        """Call the dependencies that a framework injects, and return their results as keywords."""
        if function not in self._injected:
            self._injected[function] = [
                (name, value.arguments[0])
                for name, annotation, default, _ in function.parameters
                if (type(default) is tuple and default[0] == "c") or annotation is not None
                for value in (
                    self._engine.evaluate(function.home, default),
                    *self._engine.types.metadata(annotation, function.home),
                )
                if isinstance(value, Object) and value.arguments
                and value.made_by in self._engine.registry.injecting
            ]  # fmt: skip
        found = self._injected[function]
        is_open = function in self._injecting  # a dependency that needs itself
        if (
            is_open
            or not found
            or len(call.arguments) + len(call.keywords) >= len(function.parameters)
        ):
            return ()
        named = {name for name, _ in call.keywords}
        self._injecting.add(function)
        made = [(name, self._provided(one, call)) for name, one in found if name not in named]
        self._injecting.discard(function)
        return tuple(made)

    def _provided(self, dependency: Value, call: Call) -> Value:
        """Return what a dependency provides; a generator yields it once."""
        value = await_(self.invoke(dependency, call.with_arguments()))
        return value.result if isinstance(value, Pending) else value

    def _construct(self, callee: ClassValue, call: Call) -> Value:
        cls = callee.cls
        instance, plain = Instance(cls, is_exact=True), call.with_arguments()
        if self._engine.classes.find(cls, "__init__") is None:
            self._store_fields(cls, call)
        for name, given in (("__new__", call), ("__init__", call), ("__post_init__", plain)):
            method = self._engine.classes.method(cls, name)
            if method is not None:
                self.invoke(FunctionValue(method, instance), given)
        return instance

    def _store_fields(self, cls: Class, call: Call) -> None:
        """Store the declared fields of a class without ``__init__``, as a dataclass does."""
        bases = reversed(self._engine.classes.sources(cls))
        declared = {name: (base, node) for base in bases
                    for name, node in base.syntax.fields.items()}  # fmt: skip
        fields = dict(zip(declared, call.arguments, strict=False))
        fields.update((name, value) for name, value in call.keywords if name in declared)
        for name, (base, node) in declared.items():
            for word, factory in node[5] if type(node) is tuple and node[0] == "c" else ():
                if name not in fields and word in {"default_factory", "factory"}:
                    made = self._engine.evaluate(base.home, factory)
                    fields[name] = call.frame.call(made, call.node)
        for name, value in fields.items():
            self._engine.attributes.set(ClassValue(cls), name, value)
            self._engine.demand.note_assignment(name, value)

    def bind(self, value: Value, owner: Value) -> Value:
        """Bind `value` to `owner`, as attribute access does."""
        match value:
            case FunctionValue(receiver=None, function=function):
                if function.owner is None:
                    return Partial(value, (owner,), ())
                return FunctionValue(function, owner, value.captured)
            case Static(inner=inner, is_class=is_class):
                cls = ClassValue(owner.cls) if isinstance(owner, Instance) else owner
                return self.bind(inner, cls) if is_class else inner
            case Wrapper(inner=inner):
                return replace(value, inner=self.bind(inner, owner))
        return value

    # --- libraries --------------------------------------------------------------------------------

    def _by_model(self, handler: Handler | None, owner: Value, name: str, call: Call) -> Value:
        if handler is not None and owner is not None:
            return handler(call.for_model(owner, name))
        self._escape(call)
        if isinstance(owner, Object):
            return Object(f"{owner.made_by}.{name}")
        if not isinstance(owner, External) or name.startswith("builtins."):
            return None
        arguments = tuple([shallow(one, 2) for one in call.arguments])
        keywords = tuple([(key, shallow(one, 2)) for key, one in call.keywords])
        return Object(name, arguments, keywords)

    def handler(self, owner: Value, name: str) -> Handler | None:
        """Return the model of method `name` of `owner`, or None."""
        methods = self._engine.registry.methods
        if isinstance(owner, Object):
            return methods.get((owner.made_by, name))
        owner = owner.receiver if isinstance(owner, Super) else owner
        if isinstance(owner, Instance | ClassValue):
            for base in self._engine.classes.order(owner.cls):
                if isinstance(base, str) and (base, name) in methods:
                    return methods[base, name]
            return methods.get((type(owner), name)) or methods.get(("*", name))
        return methods.get((type(owner), name))
