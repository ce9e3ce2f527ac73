"""What an attribute of something is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import ManagerValue
from headrace_inspect._names._values import (
    UNKNOWN,
    Choice,
    ClassValue,
    ContextValue,
    Dynamic,
    External,
    FunctionValue,
    Instance,
    Method,
    ModuleValue,
    Possibly,
    PropertyValue,
    StepValue,
    SuperValue,
    TaskValue,
    Value,
    choice_of,
)

from . import _lookup
from ._nodes import NO_ARGUMENTS, Hub

if TYPE_CHECKING:
    from ._engine import Engine
    from ._frame import Frame

_PROTOCOLS = frozenset(["typing.Protocol", "typing_extensions.Protocol"])


def attribute(frame: Frame, value: Value, name: str, node: ast.AST) -> Value:
    """Return the attribute `name` of `value`; a property runs now."""
    found = _attribute(frame, value, name, node)
    if isinstance(found, PropertyValue):
        from ._calls import call

        if isinstance(value, Instance) and not value.exact:
            frame.maybe(Hub("override", name, value.cls), node)
        return call(frame, found.inner, NO_ARGUMENTS, node)
    return found


def _attribute(frame: Frame, value: Value, name: str, node: ast.AST) -> Value:
    match value:
        case ModuleValue():
            return _lookup.member(frame.engine, value, name)
        case External(name=dotted):
            return External(f"{dotted}.{name}")
        case Instance():
            return _of_instance(frame.engine, value, name)
        case ClassValue(cls=cls):
            found = _of_class(frame.engine, cls, cls, name, value, after=None)
            if isinstance(found, Instance):
                from headrace_inspect._libraries._django_models import managed

                return managed(frame.engine, cls, found)
            return found or Method(value, name)
        case ManagerValue(model=model, own=cls):
            found = _of_class(frame.engine, cls, cls, name, value, after=None)
            return found or (ClassValue(model) if name == "model" else Method(value, name))
        case SuperValue(cls=cls, receiver=receiver):
            return _of_super(frame.engine, cls, receiver, name)
        case Choice(options=options):
            return choice_of([attribute(frame, option, name, node) for option in options])
        case Possibly(inner=inner):
            return Possibly(attribute(frame, inner, name, node))
    return Method(value, name)


def _of_instance(engine: Engine, value: Instance, name: str) -> Value:
    cls = value.cls
    found = _of_class(engine, cls, cls, name, value, after=None)
    if found is None or found is UNKNOWN or isinstance(found, External):
        stored = engine.stored(cls, name)
        if stored is not None and stored is not UNKNOWN:
            return stored
    if found is None:
        return Method(value, name)
    if _is_function(found) and engine.is_patched(name):
        found = choice_of([found, Dynamic(Hub("attached"))])
    if value.exact or isinstance(found, PropertyValue) or not _is_function(found):
        return found
    if not _PROTOCOLS.isdisjoint(engine.mro(cls)):
        return choice_of([found, Dynamic(Hub("name", name))])
    return choice_of([found, Dynamic(Hub("override", name, cls))])


def _of_class(
    engine: Engine, cls: Class, own: Class, name: str, receiver: Value, after: Class | None
) -> Value | None:
    """Return the class attribute `name`, bound to `receiver`, from the classes behind `after`."""
    order = engine.mro(cls)
    if after is not None:
        order = order[order.index(after) + 1 :] if after in order else []
    for base in order:
        if isinstance(base, Class) and name in base.bindings.names:
            return _bound(engine, base, own, name, receiver)
    return None


def _bound(engine: Engine, base: Class, own: Class, name: str, receiver: Value) -> Value:
    last = base.bindings.names[name][-1]
    if last.how != "def":
        value = engine.value_of(base, name)
        if isinstance(value, FunctionValue) and isinstance(receiver, Instance):
            return FunctionValue(value.function, receiver, value.closure)
        return value
    options = [
        engine.decorated(function, _receiver(function, own, receiver))
        for function in _methods(base, name)
    ]
    return choice_of(options)


def _methods(base: Class, name: str) -> list[Function]:
    bindings = base.bindings.names[name]
    functions = [
        base.module.function(binding.node, base)
        for binding in bindings
        if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    functions = [one for one in functions if not one.is_variant]
    if all(binding.node in base.node.body for binding in bindings):
        return functions[-1:]
    return functions


def _receiver(function: Function, own: Class, receiver: Value) -> Value | None:
    if function.binds in {"class", "nothing"}:
        return ClassValue(own)
    return receiver if isinstance(receiver, Instance | ManagerValue) else None


def _of_super(engine: Engine, cls: Class, receiver: Value, name: str) -> Value:
    own = receiver.cls if isinstance(receiver, Instance | ClassValue) else cls
    found = _of_class(engine, own, own, name, receiver, after=cls)
    if found is None:
        bases = [base for base in engine.mro(own) if isinstance(base, str)]
        found = External(f"{bases[0] if bases else 'builtins.object'}().{name}")
    is_open = isinstance(receiver, Instance) and not receiver.exact and name in engine.relevant
    if is_open and engine.behind(cls):
        # A subclass may have further bases, which come between.
        return choice_of([found, Dynamic(Hub("super", name, cls))])
    return found


def stored(engine: Engine, cls: Class, name: str) -> Value | None:
    """Return what the methods of `cls` store under the attribute `name` of an instance."""
    values: list[Value] = []
    for base in engine.mro(cls):
        if not isinstance(base, Class):
            continue
        for method, expression, is_annotation in base.stores.get(name, ()):
            if is_annotation:
                value = engine.annotated(expression, method)
                if value is not UNKNOWN:
                    return value
            else:
                values.append(engine.evaluate(expression, method))
    if not values:
        return None
    value = choice_of([engine.resolve(value) for value in values])
    return _lookup.perhaps_grown(engine, value, name)


def _is_function(value: Value) -> bool:
    return isinstance(value, FunctionValue | StepValue | TaskValue | ContextValue | Choice)
