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
    Bound,
    ClassValue,
    External,
    FunctionValue,
    Handing,
    Instance,
    Items,
    Manager,
    Object,
    Partial,
    Pending,
    Property,
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
    from ._frame import Frame

Arguments = tuple[Value, ...]
Keywords = tuple[tuple[str, Value], ...]
_FIELDS = 24


class Calls:
    """Runs calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def invoke(
        self,
        frame: Frame,
        callee: Value,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
        kind: str = CALL,
    ) -> Value:
        """Return what a call of `callee` gives, and record what it runs."""
        options = options_of(callee)
        if len(options) == 1:
            return self._invoke(frame, callee, arguments, keywords, node, kind)
        with frame.aside() as branches:
            results = []
            for option in options:
                branches.begin()
                results.append(self._invoke(frame, option, arguments, keywords, node, kind))
                branches.end()
        return union(*results)

    def _invoke(
        self,
        frame: Frame,
        callee: Value,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
        kind: str,
    ) -> Value:
        match callee:
            case FunctionValue():
                return self._function(frame, callee, arguments, keywords, node, kind)
            case ClassValue():
                return self._construct(frame, callee, arguments, keywords, node)
            case Instance() | Super():
                method = self._engine.attribute(frame, callee, "__call__", node)
                is_known = not isinstance(method, Bound)
                return self.invoke(
                    frame, method if is_known else UNKNOWN, arguments, keywords, node, kind
                )
            case Partial(inner=inner, arguments=first, keywords=named):
                return self.invoke(
                    frame, inner, (*first, *arguments), (*named, *keywords), node, kind
                )
            case Handing(inner=inner, kind=own):
                return self.hand_over(frame, inner, arguments, keywords, node, own)
            case External(name=name):
                return self._external(frame, callee, name, arguments, keywords, node)
            case Bound(owner=owner, name=name):
                return self._method(frame, owner, name, arguments, keywords, node)
        return self._special(frame, callee, arguments, keywords, node, kind)

    def _special(
        self,
        frame: Frame,
        callee: Value,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
        kind: str,
    ) -> Value:
        owner = callee.made_by if isinstance(callee, Object) else type(callee)
        handler = self._engine.registry.methods.get((owner, "__call__"))
        if handler is not None:
            call = Call(frame, node, callee, "__call__", arguments, keywords)
            return handler(call) or UNKNOWN
        if isinstance(callee, Wrapper | Static):
            return self.invoke(frame, callee.inner, arguments, keywords, node, kind)
        return self._unknown(frame, arguments, keywords, node)

    def hand_over(
        self,
        frame: Frame,
        callee: Value,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
        kind: str,
    ) -> Value:
        """Record that `callee` is run elsewhere or later; return what it will give."""
        results = []
        count = len(frame.context.events)
        with frame.aside() as branches:
            for option in options_of(callee):
                branches.begin()
                made = self.invoke(frame, option, arguments, keywords, node, kind)
                results.append(await_(frame, made, node, kind))
                branches.end()
        if kind != CALL:
            for event in frame.context.events[count:]:
                event.kind = kind
        return union(*results)

    # --- functions of the source ------------------------------------------------------------------

    def _function(
        self,
        frame: Frame,
        callee: FunctionValue,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
        kind: str,
    ) -> Value:
        function = callee.function
        if callee.receiver is None and function.owner is not None and arguments:
            first = arguments[0]
            if isinstance(first, Instance | ClassValue) and not _is_static(function):
                callee, arguments = callee.but(receiver=first), arguments[1:]
        context = self._engine.context(callee, arguments, keywords)
        if function.is_generator:
            return Pending((context,), Items((context.yielded,)), is_generator=True)
        if function.is_async:
            return Pending((context,), context.result, is_generator=False)
        frame.emit((context,), node, kind)
        self._take_over(frame, callee, context)
        if context.never_returns and kind == CALL:
            frame.ran = None
        return context.result

    def _take_over(self, frame: Frame, callee: FunctionValue, context: Context) -> None:
        """Keep what another method of the same object stored in it."""
        if callee.receiver is not None and callee.receiver == frame.receiver:
            for name, value in context.stored.items():
                frame.stored.setdefault(name, value)

    def _construct(
        self,
        frame: Frame,
        callee: ClassValue,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
    ) -> Value:
        engine, cls = self._engine, callee.cls
        for base in engine.classes.order(cls):
            handler = None
            if isinstance(base, str):
                handler = engine.registry.methods.get((base, "__new__"))
            if handler is not None:
                made = handler(Call(frame, node, callee, "__new__", arguments, keywords))
                if made is not None:
                    return made
        fields = dict(_declared_fields(engine, cls, arguments, keywords))
        instance = Instance(cls, is_exact=True)
        for name in ("__init__", "__post_init__"):
            if engine.classes.find(cls, name) is None:
                continue
            method = engine.attribute(frame, instance, name, node)
            given = (arguments, keywords) if name == "__init__" else ((), ())
            for option in options_of(method):
                if isinstance(option, FunctionValue):
                    context = engine.context(option, *given)
                    frame.emit((context,), node)
                    fields.update(context.stored)
        if engine.classes.find(cls, "__init__") is None:
            self._leave(frame, arguments, keywords, node)
            fields.update(self._made_fields(frame, cls, fields, node))
        kept = [(name, shallow(value, 2)) for name, value in fields.items() if _is_told(value)]
        return instance.but(fields=tuple(sorted(kept, key=lambda one: one[0])[:_FIELDS]))

    def _made_fields(
        self, frame: Frame, cls: Class, given: dict[str, Value], node: ast.AST
    ) -> list[tuple[str, Value]]:
        """Call what makes the values of a dataclass's fields that are not given."""
        made = []
        for base in reversed(self._engine.classes.order(cls)):
            for statement in base.node.body if isinstance(base, Class) else ():
                match statement:
                    case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call):
                        if name not in given:
                            factory = self._factory(call, cls)
                            value = self.invoke(frame, factory, (), (), node)
                            made.append((name, value))
                    case _:
                        pass
        return made

    def _factory(self, call: ast.Call, cls: Class) -> Value:
        for keyword in call.keywords:
            if keyword.arg in {"default_factory", "factory"}:
                return self._engine.evaluate(self._engine.quiet(cls), keyword.value)
        return UNKNOWN

    # --- libraries --------------------------------------------------------------------------------

    def _external(
        self,
        frame: Frame,
        callee: Value,
        name: str,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
    ) -> Value:
        handler = self._engine.registry.functions.get(name)
        if handler is not None:
            made = handler(Call(frame, node, callee, name, arguments, keywords))
            if made is not None:
                return made
        self._leave(frame, arguments, keywords, node)
        if name.startswith("builtins."):
            return UNKNOWN
        return Object(
            name,
            tuple([shallow(one, 2) for one in arguments]),
            tuple([(key, shallow(one, 2)) for key, one in keywords]),
        )

    def _method(
        self,
        frame: Frame,
        owner: Value,
        name: str,
        arguments: Arguments,
        keywords: Keywords,
        node: ast.AST,
    ) -> Value:
        handler = self._handler(owner, name)
        if handler is not None:
            made = handler(Call(frame, node, owner, name, arguments, keywords))
            if made is not None:
                return made
        self._leave(frame, arguments, keywords, node)
        return Object(f"{owner.made_by}.{name}") if isinstance(owner, Object) else UNKNOWN

    def _handler(self, owner: Value, name: str) -> Handler | None:
        methods = self._engine.registry.methods
        if isinstance(owner, Object):
            return methods.get((owner.made_by, name))
        if isinstance(owner, Super):
            owner = owner.receiver
        if isinstance(owner, Instance | ClassValue):
            for base in self._engine.classes.order(owner.cls):
                if isinstance(base, str) and (base, name) in methods:
                    return methods[base, name]
            return None
        return methods.get((type(owner), name))

    def _unknown(
        self, frame: Frame, arguments: Arguments, keywords: Keywords, node: ast.AST
    ) -> Value:
        self._leave(frame, arguments, keywords, node)
        return UNKNOWN

    def _leave(self, frame: Frame, arguments: Arguments, keywords: Keywords, node: ast.AST) -> None:
        """Run the coroutines and generators that are passed to something unknown."""
        for value in (*arguments, *[value for _, value in keywords]):
            for option in options_of(value):
                if isinstance(option, Pending):
                    frame.emit(option.targets, node)

    def bind(self, value: Value, owner: Value) -> Value:
        """Return `value` as a method of `owner`."""
        match value:
            case FunctionValue(receiver=None, function=function) if function.owner is not None:
                return value.but(receiver=owner)
            case Static(inner=inner, is_class=True):
                cls = ClassValue(owner.cls) if isinstance(owner, Instance) else owner
                return self.bind(inner, cls)
            case Static(inner=inner):
                return inner
            case FunctionValue(receiver=None, captured=captured) if captured:
                return Partial(value, (owner,), ())
            case Property() | Manager() | Wrapper():
                return value.but(inner=self.bind(value.inner, owner))
        return value


def _declared_fields(
    engine: Engine, cls: Class, arguments: Arguments, keywords: Keywords
) -> list[tuple[str, Value]]:
    """Return the fields of a dataclass or the like, which has no ``__init__`` of its own."""
    if engine.classes.find(cls, "__init__") is not None:
        return []
    names = [
        statement.target.id
        for base in reversed(engine.classes.order(cls))
        if isinstance(base, Class)
        for statement in base.node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]
    fields = list(zip(dict.fromkeys(names), arguments, strict=False))
    return [*fields, *[(name, value) for name, value in keywords if name in names]]


def _is_told(value: Value) -> bool:
    return value is not UNKNOWN


def _is_static(function: Function) -> bool:
    return any(
        isinstance(one, ast.Name) and one.id == "staticmethod" for one in function.decorators
    )
