"""Attributes of objects, classes and modules."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Assignment, Binding, Class

from ._values import (
    UNKNOWN,
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Handing,
    Instance,
    Items,
    Manager,
    ModuleValue,
    Object,
    Property,
    Static,
    Super,
    Table,
    Value,
    options_of,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine
    from ._frame import Frame

_ENUMERATIONS = ("enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag")


class Attributes:
    """Looks attributes up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stored: dict[tuple[Class, str], Value] = {}

    def get(self, frame: Frame, owner: Value, name: str, node: ast.AST) -> Value:
        """Return the attribute `name` of `owner`; reading a property runs it."""
        options = options_of(owner)
        if len(options) == 1:
            return self._get(frame, owner, name, node)
        return union(*frame.each(options, lambda one: self._get(frame, one, name, node)))

    def _get(self, frame: Frame, owner: Value, name: str, node: ast.AST) -> Value:
        engine = self._engine
        special = engine.registry.attributes.get(type(owner))
        found = None if special is None else special(frame, owner, name)
        if found is not None:
            return found
        match owner:
            case Instance():
                return self._of_instance(frame, owner, name, node)
            case ModuleValue(module=module):
                return engine.names.of_module(module, name)
            case External(name=outer):
                return engine.names.external(f"{outer}.{name}")
            case ClassValue():
                return self._of_class(frame, owner, name, node)
            case Super():
                return self._of_super(frame, owner, name, node)
            case Manager(inner=inner) | Handing(inner=inner) | Property(inner=inner):
                return self._get(frame, inner, name, node)
        return UNKNOWN if owner is UNKNOWN else Bound(owner, name)

    def set(self, frame: Frame, owner: Value, name: str, value: Value) -> None:
        """Keep `value` as an attribute of `owner`."""
        if owner is frame.receiver:
            frame.stored[name] = union(frame.stored.get(name, UNKNOWN), value)
        if isinstance(owner, Instance | ClassValue) and value is not UNKNOWN:
            key = (owner.cls, name)
            self._stored[key] = union(self._stored.get(key, UNKNOWN), value)

    # --- objects ----------------------------------------------------------------------------------

    def _of_instance(self, frame: Frame, owner: Instance, name: str, node: ast.AST) -> Value:
        if owner is frame.receiver and name in frame.stored:
            return frame.stored[name]
        for field, value in owner.fields:
            if field == name:
                return value
        found = [self._member(frame, owner, owner.cls, name, node)]
        if not owner.is_exact:
            for cls in self._engine.classes.overriding(owner.cls, name):
                below = Instance(cls, fields=owner.fields)
                found.append(self._member(frame, below, cls, name, node))
        value = union(*found)
        is_empty = isinstance(value, Items | Table) and not self._engine.contents(value)
        if value is UNKNOWN or is_empty:
            value = union(value, self._stored_in(owner.cls, name))
        return self._inherited(owner, owner.cls, name) if value is UNKNOWN else value

    def _member(self, frame: Frame, owner: Instance, cls: Class, name: str, node: ast.AST) -> Value:
        found = self._engine.classes.find(cls, name)
        if found is None:
            return UNKNOWN
        value, binding = self._engine.names.in_class(found[0], name), found[1][-1]
        if isinstance(binding, Assignment) and (not binding.value or isinstance(value, Constant)):
            return union(value, self._stored_in(owner.cls, name))
        options = options_of(value)
        return union(*[self._read(frame, one, owner, node, binding) for one in options])

    def _read(
        self, frame: Frame, value: Value, owner: Value, node: ast.AST, binding: Binding
    ) -> Value:
        """Return what an object gives for an attribute that its class has."""
        made_by = value.made_by if isinstance(value, Object) else type(value)
        descriptor = self._engine.registry.descriptors.get(made_by)
        if descriptor is not None:
            return descriptor(frame, owner, value) or value
        if isinstance(binding, Assignment):
            is_field = binding.annotation is not None or isinstance(owner, ClassValue)
            if is_field or not isinstance(value, Property | FunctionValue):
                return value
        return self._bind(frame, value, owner, node)

    def _bind(self, frame: Frame, value: Value, owner: Value, node: ast.AST) -> Value:
        bound = self._engine.bind(value, owner)
        return frame.call(bound.inner, node) if isinstance(bound, Property) else bound

    def _inherited(self, owner: Value, cls: Class, name: str) -> Value:
        """Return an attribute that `cls` may have of a class of a library."""
        is_foreign = any(isinstance(base, str) for base in self._engine.classes.order(cls))
        if not is_foreign or self._engine.classes.find(cls, "__getattr__"):
            return UNKNOWN
        return Bound(owner, name)

    def _stored_in(self, cls: Class, name: str) -> Value:
        """Return what methods of a class, or others, store in its objects."""
        engine = self._engine
        found = engine.classes.find(cls, "__init__")
        if found is not None and isinstance(found[1][-1], ast.FunctionDef):
            constructor = engine.program.function(found[1][-1], found[0])
            engine.context(FunctionValue(constructor, Instance(found[0])))
        classes = [one for one in engine.classes.order(cls) if isinstance(one, Class)]
        return union(*[self._stored.get((one, name), UNKNOWN) for one in classes])

    # --- classes ----------------------------------------------------------------------------------

    def _of_class(self, frame: Frame, owner: ClassValue, name: str, node: ast.AST) -> Value:
        found = self._engine.classes.find(owner.cls, name)
        if found is None:
            return self._inherited(owner, owner.cls, name)
        value, binding = self._engine.names.in_class(found[0], name), found[1][-1]
        options = options_of(value)
        if not isinstance(binding, Assignment):
            bind = self._engine.bind
            return union(*[bind(one, owner) if isinstance(one, Static) else one for one in options])
        if self._engine.classes.is_a(owner.cls, *_ENUMERATIONS):
            fields = tuple([(field, value) for field in ("_value_", "value")])
            return Instance(owner.cls, is_exact=True, fields=fields)
        read = [self._read(frame, one, owner, node, binding) for one in options]
        return union(*read, self._stored_in(owner.cls, name))

    def _of_super(self, frame: Frame, owner: Super, name: str, node: ast.AST) -> Value:
        cls, receiver = owner.cls, owner.receiver
        own = receiver.cls if isinstance(receiver, Instance | ClassValue) else cls
        found = self._engine.classes.find(own, name, after=cls)
        if found is None:
            return Bound(owner, name)
        value = self._engine.names.in_class(found[0], name)
        return union(*[self._bind(frame, one, receiver, node) for one in options_of(value)])
