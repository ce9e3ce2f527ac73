"""Attributes of objects, classes and modules."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._symbols._bindings import stored_attributes
from headrace_inspect._symbols._entities import Assignment, Class, FunctionNode

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
_MOST_BELOW = 24


class Attributes:
    """Looks attributes up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stored: dict[tuple[Class, str], Value] = {}
        self._storing: dict[Class, dict[str, list[FunctionNode]]] = {}

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
        if value is UNKNOWN or (isinstance(value, Items | Table) and value.is_empty):
            value = union(value, self._stored_in(owner, name))
        return self._inherited(frame, owner, owner.cls, name) if value is UNKNOWN else value

    def _member(self, frame: Frame, owner: Instance, cls: Class, name: str, node: ast.AST) -> Value:
        found = self._engine.classes.find(cls, name)
        if found is None:
            return UNKNOWN
        value, binding = self._engine.names.in_class(found[0], name), found[1][-1]
        if isinstance(binding, Assignment):
            if binding.value is None or isinstance(value, Constant):
                return union(value, self._stored_in(owner, name))
            is_field = binding.annotation is not None
            return self._described(frame, owner, value, node, is_field=is_field)
        return union(*[self._bind(frame, one, owner, node) for one in options_of(value)])

    def _described(
        self, frame: Frame, owner: Value, value: Value, node: ast.AST, *, is_field: bool
    ) -> Value:
        """Return what reading a class attribute gives that may be a descriptor."""
        results = []
        for one in options_of(value):
            made_by = one.made_by if isinstance(one, Object) else type(one)
            descriptor = self._engine.registry.descriptors.get(made_by)
            if descriptor is not None:
                results.append(descriptor(frame, owner, one) or one)
            elif isinstance(one, Property | FunctionValue) and not is_field:
                results.append(self._bind(frame, one, owner, node))
            else:
                results.append(one)
        return union(*results)

    def _bind(self, frame: Frame, value: Value, owner: Value, node: ast.AST) -> Value:
        bound = self._engine.bind(value, owner)
        return frame.call(bound.inner, node) if isinstance(bound, Property) else bound

    def _inherited(self, frame: Frame, owner: Value, cls: Class, name: str) -> Value:
        """Return what a class of a library gives to `cls`."""
        registry, is_foreign = self._engine.registry, False
        for base in self._engine.classes.order(cls):
            if isinstance(base, str):
                is_foreign = True
                member = registry.members.get(base)
                found = None if member is None else member(frame, owner, name)
                if found is not None:
                    return found
        if not is_foreign or self._engine.classes.find(cls, "__getattr__"):
            return UNKNOWN
        return Bound(owner, name)

    # --- what is stored ---------------------------------------------------------------------------

    def _stored_in(self, owner: Instance, name: str) -> Value:
        found = []
        classes = self._engine.classes
        below = [] if owner.is_exact else classes.below(owner.cls)[:_MOST_BELOW]
        for cls in [*classes.order(owner.cls), *below]:
            if isinstance(cls, Class):
                self._run_storing(cls, name)
                found.append(self._stored.get((cls, name), UNKNOWN))
        return union(*found)

    def _run_storing(self, cls: Class, name: str) -> None:
        """Run the methods of a class that store the attribute."""
        if cls not in self._storing:
            self._storing[cls] = stored_attributes(cls)
        for node in self._storing[cls].pop(name, ()):
            method = self._engine.program.function(node, cls)
            self._engine.context(FunctionValue(method, Instance(cls)))

    def set(self, frame: Frame, owner: Value, name: str, value: Value) -> None:
        """Keep `value` as an attribute of `owner`, and run what a property does when it is set."""
        if owner is frame.receiver:
            frame.stored[name] = union(frame.stored.get(name, UNKNOWN), value)
        if isinstance(owner, Instance | ClassValue):
            if value is not UNKNOWN:
                key = (owner.cls, name)
                self._stored[key] = union(self._stored.get(key, UNKNOWN), value)
            cls, bindings = self._engine.classes.find(owner.cls, name) or (owner.cls, [])
            for binding in bindings[1:]:
                if isinstance(binding, ast.FunctionDef) and "setter" in _accessors(binding):
                    setter = FunctionValue(self._engine.program.function(binding, cls), owner)
                    frame.call(setter, binding, (value,))

    # --- classes ----------------------------------------------------------------------------------

    def _of_class(self, frame: Frame, owner: ClassValue, name: str, node: ast.AST) -> Value:
        found = self._engine.classes.find(owner.cls, name)
        if found is None:
            return self._inherited(frame, owner, owner.cls, name)
        value = self._engine.names.in_class(found[0], name)
        if not isinstance(found[1][-1], Assignment):
            bound = [
                self._engine.bind(one, owner) if isinstance(one, Static) else one
                for one in options_of(value)
            ]
            return union(*bound)
        if self._engine.classes.is_a(owner.cls, *_ENUMERATIONS):
            fields = tuple([(field, value) for field in ("_value_", "value")])
            return Instance(owner.cls, is_exact=True, fields=fields)
        value = self._described(
            frame, owner, value, node, is_field=isinstance(value, FunctionValue)
        )
        return union(value, self._stored_in(Instance(owner.cls), name))

    def _of_super(self, frame: Frame, owner: Super, name: str, node: ast.AST) -> Value:
        cls, receiver = owner.cls, owner.receiver
        own = receiver.cls if isinstance(receiver, Instance | ClassValue) else cls
        found = self._engine.classes.find(own, name, after=cls)
        if found is None:
            return Bound(owner, name)
        value = self._engine.names.in_class(found[0], name)
        return union(*[self._bind(frame, one, receiver, node) for one in options_of(value)])


def _accessors(node: ast.FunctionDef) -> list[str]:
    return [getattr(one, "attr", "") for one in node.decorator_list]
