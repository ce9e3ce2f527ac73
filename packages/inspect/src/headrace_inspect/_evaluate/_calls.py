"""Calls: what is called, and what comes of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Class, Function

from ._contexts import CALL, Context
from ._expressions import await_
from ._registry import Call, Handler
from ._values import (
    UNKNOWN,
    Arguments,
    Bound,
    ClassValue,
    External,
    FunctionValue,
    Handing,
    Instance,
    Items,
    Object,
    Partial,
    Pending,
    Static,
    Super,
    Value,
    Wrapper,
    options_of,
    shallow,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine

_FIELDS = 24


class Calls:
    """Evaluates calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def invoke(self, callee: Value, call: Call) -> Value:
        """Return what a call of `callee` gives, and record what it runs."""
        options = options_of(callee)
        if len(options) == 1:
            return self._invoke(callee, call)
        return union(*call.frame.each(options, lambda one: self._invoke(one, call)))

    def hand_over(self, callee: Value, call: Call) -> Value:
        """Record that `callee` runs elsewhere or later, and return what it will give."""
        frame = call.frame
        count = len(frame.context.events)

        def run(option: Value) -> Value:
            return await_(frame, self.invoke(option, call), call.node, call.kind)

        made = union(*frame.each(options_of(callee), run))
        for event in frame.context.events[count:] if call.kind != CALL else ():
            event.kind = call.kind
        return made

    def _invoke(self, callee: Value, call: Call) -> Value:
        match callee:
            case FunctionValue():
                return self._function(callee, call)
            case Bound(owner=owner, name=name):
                return self._by_model(self.handler(owner, name), owner, name, call)
            case External(name=name):
                return self._by_model(self._engine.registry.functions.get(name), callee, name, call)
            case ClassValue():
                return self._construct(callee, call)
            case Instance() | Super():
                method = self._engine.attribute(call.frame, callee, "__call__", call.node)
                is_odd = isinstance(method, Bound | Instance)  # an object may be its own __call__
                return self.invoke(UNKNOWN if is_odd else method, call)
            case Partial(inner=inner, arguments=first, keywords=named):
                given = call.but((*first, *call.arguments), (*named, *call.keywords))
                return self.invoke(inner, given)
            case Handing(inner=inner, kind=kind):
                return self.hand_over(inner, call.but(call.arguments, call.keywords, kind))
        handler = self.handler(callee, "__call__")
        if handler is not None:
            return handler(call.of(callee, "__call__")) or UNKNOWN
        if isinstance(callee, Wrapper | Static):
            return self.invoke(callee.inner, call)
        _leave(call)
        return UNKNOWN

    # --- functions and classes of the source ------------------------------------------------------

    def _function(self, callee: FunctionValue, call: Call) -> Value:
        function, frame, arguments = callee.function, call.frame, call.arguments
        if callee.receiver is None and function.owner is not None and arguments:
            is_static = any(getattr(one, "id", "") == "staticmethod" for one in function.decorators)
            if isinstance(arguments[0], Instance | ClassValue) and not is_static:
                callee, arguments = callee.but(receiver=arguments[0]), arguments[1:]
        context = self._engine.context(callee, arguments, call.keywords)
        result = self._result(context, callee, arguments, call)
        if function.is_generator:
            return Pending((context,), Items((context.yielded,)), is_generator=True)
        if function.is_async:
            return Pending((context,), result, is_generator=False)
        frame.emit((context,), call.node, call.kind)
        if context.stored and callee.receiver is frame.receiver:
            frame.stored = {**context.stored, **frame.stored}
        if context.never_returns and call.kind == CALL:
            frame.ran = None
        return result

    def _result(
        self, context: Context, callee: FunctionValue, arguments: Arguments, call: Call
    ) -> Value:
        """Return what a call gives, which is an argument where a type variable says so."""
        function, made, types = callee.function, context.result, self._engine.types
        if not isinstance(made, Object) or made.made_by != "typing.TypeVar":
            return made
        parameters = function.parameters[callee.receiver is not None :]
        given = dict(call.keywords)
        given.update(zip([one.name for one in parameters], arguments, strict=False))
        found = [
            types.instance(value) if isinstance(one.annotation, ast.Subscript) else value
            for one in parameters
            if types.of(one.annotation, function.scope) is made
            and (value := given.get(one.name)) is not None
        ]
        return union(*found)

    def _construct(self, callee: ClassValue, call: Call) -> Value:
        engine, cls, frame = self._engine, callee.cls, call.frame
        instance = Instance(cls, is_exact=True)
        has_constructor = engine.classes.find(cls, "__init__") is not None
        fields = {} if has_constructor else self._declared_fields(cls, call)
        for name, given in (("__init__", call), ("__post_init__", call.but())):
            found = engine.classes.find(cls, name)
            method = engine.attribute(frame, instance, name, call.node) if found else UNKNOWN
            if isinstance(method, FunctionValue):
                context = engine.context(method, given.arguments, given.keywords)
                frame.emit((context,), call.node)
                fields.update(context.stored)
        kept = [(name, shallow(fields[name], 2)) for name in sorted(fields)]
        known = [(name, value) for name, value in kept if value is not UNKNOWN]
        return instance.but(fields=tuple(known[:_FIELDS]))

    def _declared_fields(self, cls: Class, call: Call) -> dict[str, Value]:
        """Return the fields that a class without a constructor declares, as a dataclass does."""
        _leave(call)
        declared: dict[str, ast.expr | None] = {}
        for base in reversed(self._engine.classes.order(cls)):
            for one in base.node.body if isinstance(base, Class) else ():
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                    declared[one.target.id] = one.value
        fields = dict(zip(declared, call.arguments, strict=False))
        fields.update((name, value) for name, value in call.keywords if name in declared)
        for name, node in declared.items():
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                if name not in fields and keyword.arg in {"default_factory", "factory"}:
                    factory = self._engine.evaluate(self._engine.quiet(cls), keyword.value)
                    fields[name] = call.frame.call(factory, call.node)
        return fields

    def bind(self, value: Value, owner: Value) -> Value:
        """Return `value` as a method of `owner`."""
        match value:
            case FunctionValue(receiver=None, function=Function(owner=None)):
                return Partial(value, (owner,), ())
            case FunctionValue(receiver=None):
                return value.but(receiver=owner)
            case Static(inner=inner, is_class=is_class):
                cls = ClassValue(owner.cls) if isinstance(owner, Instance) else owner
                return self.bind(inner, cls) if is_class else inner
            case Wrapper(inner=inner):
                return value.but(inner=self.bind(inner, owner))
        return value

    # --- libraries --------------------------------------------------------------------------------

    def _by_model(self, handler: Handler | None, owner: Value, name: str, call: Call) -> Value:
        made = None if handler is None else handler(call.of(owner, name))
        if made is not None:
            return made
        _leave(call)
        if isinstance(owner, Object):
            return Object(f"{owner.made_by}.{name}")
        if not isinstance(owner, External) or name.startswith("builtins."):
            return UNKNOWN
        arguments = tuple([shallow(one, 2) for one in call.arguments])
        keywords = tuple([(key, shallow(one, 2)) for key, one in call.keywords])
        return Object(name, arguments, keywords)

    def handler(self, owner: Value, name: str) -> Handler | None:
        """Return the model of the method `name` of `owner`."""
        methods = self._engine.registry.methods
        if isinstance(owner, Object):
            return methods.get((owner.made_by, name))
        owner = owner.receiver if isinstance(owner, Super) else owner
        if isinstance(owner, Instance | ClassValue):
            for base in self._engine.classes.order(owner.cls):
                if isinstance(base, str) and (base, name) in methods:
                    return methods[base, name]
        return methods.get((type(owner), name))


def _leave(call: Call) -> None:
    """Run the coroutines and generators that are passed to something unknown."""
    for value in (*call.arguments, *[value for _, value in call.keywords]):
        for option in options_of(value):
            if isinstance(option, Pending):
                call.frame.emit(option.targets, call.node)
