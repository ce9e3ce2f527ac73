"""What an attribute of something is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import ManagerValue, Related, Router
from headrace_inspect._names._survey import survey
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    Arguments,
    Choice,
    ClassValue,
    ContextValue,
    Dynamic,
    External,
    FunctionValue,
    Instance,
    Method,
    ModuleValue,
    Parameter,
    Possibly,
    PropertyValue,
    StepValue,
    SuperValue,
    TaskValue,
    Text,
    Unknown,
    Value,
    choice_of,
)

from . import _lookup
from ._nodes import NO_ARGUMENTS, Hub
from ._trees import Possible, block_of

if TYPE_CHECKING:
    from ._engine import Engine
    from ._frame import Frame

_ANYTHING = Arguments(starred=True)
_PROPERTIES = frozenset(["property", "cached_property", "classproperty"])
_PROTOCOLS = frozenset(["typing.Protocol", "typing_extensions.Protocol"])


def attribute(frame: Frame, value: Value, name: str, node: ast.AST) -> Value:
    """Return the attribute `name` of `value`; a property runs now."""
    found = _attribute(frame, value, name, node)
    match found:
        case PropertyValue(inner=inner):
            if isinstance(value, Instance) and not value.exact:
                frame.maybe(Hub("override", name, value.cls), node)
            return _called(frame, inner, NO_ARGUMENTS, node)
        case Instance(cls=cls) if frame.engine.has_method(cls, "__get__"):
            return _called(frame, attribute(frame, found, "__get__", node), _ANYTHING, node)
        case Method():
            return _missing(frame, value, name, node, found)
        case External(name=dotted) if any(
            _is_property(one) for one in frame.engine.relevant.get(name, ())
        ):
            from ._losing import find_lost

            find_lost(frame, dotted, node)
    return found


def change(
    frame: Frame, value: Value, name: str, how: str, arguments: Arguments, node: ast.AST
) -> Value:
    """Let the attribute `name` of `value` be set or deleted: `how` is ``setter`` or ``deleter``."""
    match value:
        case Instance(cls=cls):
            for base in frame.engine.mro(cls):
                if isinstance(base, Class) and name in base.bindings.names:
                    for function in _accessors(base, name, how):
                        accessor = frame.engine.decorated(function, value)
                        return _called(frame, accessor, arguments, node)
                    break
        case Choice(options=options):
            return frame.one_of(
                options, lambda option: change(frame, option, name, how, arguments, node)
            )
        case Possibly(inner=inner):
            return change(frame, inner, name, how, arguments, node)
    return UNKNOWN


def _accessors(base: Class, name: str, how: str) -> Iterator[Function]:
    for binding in base.bindings.names[name]:
        if isinstance(binding.node, ast.FunctionDef):
            function = base.module.function(binding.node, base)
            if any(
                isinstance(one, ast.Attribute) and one.attr == how for one in function.decorators
            ):
                yield function


def _called(frame: Frame, function: Value, arguments: Arguments, node: ast.AST) -> Value:
    from ._calls import call

    return call(frame, function, arguments, node)


def _missing(frame: Frame, value: Value, name: str, node: ast.AST, found: Method) -> Value:
    """Return an attribute that nothing in the source gives `value`, by that name."""
    engine = frame.engine
    if name == "__dict__":
        return Dynamic(attributes_of(value, "*"))
    if isinstance(value, Instance):
        for method in ("__getattribute__", "__getattr__"):
            if engine.has_method(value.cls, method):
                function = attribute(frame, value, method, node)
                return perhaps(frame, function, Arguments((Text((name,)),)), node)
        return ClassValue(value.cls) if name == "__class__" else found
    if name == "__class__":
        return Dynamic(Hub("name", "__init__"))
    is_unknown = isinstance(value, Unknown | Parameter | Dynamic | Method)
    if is_unknown and any(_is_property(one) for one in engine.relevant.get(name, ())):
        frame.maybe(Hub("name", name), node)
    return found


def _is_property(function: Function) -> bool:
    """Tell whether a decorator may make an attribute of `function`, by its name."""
    return any(
        not survey(decorator).words.isdisjoint(_PROPERTIES) for decorator in function.decorators
    )


def perhaps(frame: Frame, function: Value, arguments: Arguments, node: ast.AST) -> Value:
    """Let `function` possibly be called, and return what that possibly gives."""
    with frame.captured() as events:
        result = frame.engine.resolve(_called(frame, function, arguments, node))
    if events:
        frame.emit(Possible(block_of(events)))
    return result if isinstance(result, Dynamic | Unknown) else Possibly(result)


def attributes_of(owner: Value, pattern: str) -> Hub:
    """Return the functions that are attributes of `owner`, with names that fit `pattern`."""
    match owner:
        case Instance(cls=cls) | ClassValue(cls=cls):
            return Hub("class", pattern, cls)
        case ModuleValue(path=path):
            return Hub("module", f"{path}:{pattern}")
        case Dynamic(hub=hub):
            return hub
    # Of an object that is not known, a method; modules are known, or were imported by name.
    return Hub("methods") if pattern == "*" else Hub("name", pattern)


def fitting(hub: Hub, key: Value) -> Hub:
    """Return those of the attributes in `hub` whose name is `key`, as far as that is known."""
    pattern = key.pattern if isinstance(key, Text) else "*"
    if hub.how == "module" and hub.name.endswith(":*"):
        return Hub("module", hub.name[:-1] + pattern)
    return Hub("class", pattern, hub.cls) if hub.how == "class" and hub.name == "*" else hub


def _attribute(frame: Frame, value: Value, name: str, node: ast.AST) -> Value:
    match value:
        case ModuleValue():
            return _of_module(frame, value, name, node)
        case External(name=dotted):
            return External(f"{dotted}.{name}")
        case Instance():
            return _of_instance(frame.engine, value, name)
        case ClassValue(cls=cls):
            return _of_class_itself(frame.engine, cls, name, value) or Method(value, name)
        case ManagerValue(model=model, own=cls):
            found = _of_class(frame.engine, cls, cls, name, value, after=None)
            return found or (ClassValue(model) if name == "model" else Method(value, name))
        case Router() if name == "cli":  # the commands of Flask
            return External("flask.Flask().cli")
        case SuperValue(cls=cls, receiver=receiver):
            return _of_super(frame.engine, cls, receiver, name)
        case Choice(options=options):
            return frame.one_of(options, lambda option: attribute(frame, option, name, node))
        case Possibly(inner=inner):
            return Possibly(attribute(frame, inner, name, node))
    return Method(value, name)


def _of_class_itself(engine: Engine, cls: Class, name: str, value: ClassValue) -> Value | None:
    found = _of_class(engine, cls, cls, name, value, after=None)
    if isinstance(found, Instance | External):
        from headrace_inspect._libraries._django_models import managed

        manager = managed(engine, cls, found)
        if manager is not found or isinstance(found, Instance):
            return manager
    if found is NOTHING and not _is_member(engine, cls, name):
        later = _set_later(engine, cls, name)
        # Made by a method of a class, it may be of the class that the method was called of.
        options = later.options if isinstance(later, Choice) else (later,)
        return choice_of([_perhaps_other(one) for one in options])
    return Instance(cls) if found is not None and _is_member(engine, cls, name) else found


def _perhaps_other(value: Value) -> Value:
    return Instance(value.cls, exact=False) if isinstance(value, Instance) else value


def _is_member(engine: Engine, cls: Class, name: str) -> bool:
    """Tell whether `name` is a member of the enumeration `cls`."""
    bindings = cls.bindings.names.get(name, ())
    is_value = any(binding.how == "value" for binding in bindings)
    return is_value and any(isinstance(b, str) and b.startswith("enum.") for b in engine.mro(cls))


def _of_module(frame: Frame, value: ModuleValue, name: str, node: ast.AST) -> Value:
    if name == "__dict__":
        return Dynamic(attributes_of(value, "*"))
    getter = _lookup.getter(frame.engine, value, name)
    if getter is not None and frame.is_recorded:
        perhaps(frame, getter, Arguments((Text((name,)),)), node)
    return _lookup.member(frame.engine, value, name)


def _of_instance(engine: Engine, value: Instance, name: str) -> Value:
    cls = value.cls
    for field, kept in value.fields:
        if field == name:
            return kept
    found = _of_class(engine, cls, cls, name, value, after=None)
    if found is None or found is UNKNOWN or isinstance(found, External):
        stored = engine.stored(cls, name)
        if stored is not None and stored is not UNKNOWN:
            return stored
    if found is NOTHING:
        return _set_later(engine, cls, name)
    if found is None or isinstance(found, Related):
        return _of_other_model(engine, cls, name, found) or Method(value, name)
    if _is_function(found) and (engine.is_patched(name) or engine.is_changed(cls)):
        found = choice_of([found, Dynamic(Hub("attached"))])
    if value.exact or isinstance(found, PropertyValue) or not _is_function(found):
        return found
    if not _PROTOCOLS.isdisjoint(engine.mro(cls)):
        return choice_of([found, Dynamic(Hub("name", name))])
    return choice_of([found, Dynamic(Hub("override", name, cls))])


def _of_other_model(engine: Engine, cls: Class, name: str, field: Related | None) -> Value | None:
    """Return what `field` gives the model `cls`, or a field `name` of another model, or None."""
    if len(engine.mro(cls)) == 1:
        return None
    from headrace_inspect._libraries._django_models import is_model
    from headrace_inspect._libraries._django_relations import related, reverse

    if field is not None:
        return related(engine, cls, name, field)
    return reverse(engine, cls, name) if is_model(engine, cls) else None


def _set_later(engine: Engine, cls: Class, name: str) -> Value:
    """Return what methods put into an attribute of a class that is None at first."""
    stored = engine.stored(cls, name)
    if stored is None or stored is UNKNOWN:
        return NOTHING
    # What comes from elsewhere is found by nobody knows which name.
    return choice_of([stored, Dynamic(Hub("attached"))]) if engine.is_patched(name) else stored


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
        if isinstance(receiver, Instance):
            match value:
                case FunctionValue(function=function, closure=closure):
                    return FunctionValue(function, receiver, closure)
                case PropertyValue(inner=FunctionValue(function=function, closure=closure)):
                    return PropertyValue(FunctionValue(function, receiver, closure))
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
