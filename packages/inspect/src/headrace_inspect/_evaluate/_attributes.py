"""Attributes of objects, classes and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace_inspect._symbols._entities import Class

from ._contexts import Context
from ._values import (
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    HandOver,
    Instance,
    Items,
    ModuleValue,
    Object,
    Pending,
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

_OPAQUE = frozenset([Bound, Constant, FunctionValue, Items, Object, Pending, Table])
"""The values whose attributes only models know."""
_ENUMERATIONS = ("enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag")


class Attributes:
    """Looks up attributes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._methods: dict[tuple[Value, str], Value] = {}
        self._stored: set[tuple[Class, str]] = set()

    def get(self, frame: Context, owner: Value, name: str, node: Any) -> Value:
        """Return the attribute `name` of `owner`; reading a property calls its getter."""
        if owner is None:
            return self._guess_method(name)
        if isinstance(owner, Instance):
            return self._of_instance(frame, owner, name, node)
        options = options_of(owner)
        if len(options) == 1:
            return self._get(frame, owner, name, node)
        return union(*frame.each(options, lambda one: self._get(frame, one, name, node)))

    def _get(self, frame: Context, owner: Value, name: str, node: Any) -> Value:
        engine = self._engine
        special = None if owner is None else engine.registry.attributes.get(type(owner))
        found = None if special is None else special(frame, owner, name)
        if found is not None:
            return found
        if type(owner) in _OPAQUE:
            return Bound(owner, name)
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
            case HandOver(inner=inner) | Property(inner=inner):
                return self._get(frame, inner, name, node)
        return Bound(owner, name)

    def _guess_method(self, name: str) -> Value:
        """Guess the method `name` of an unknown object: that of the only class that defines it."""
        cls = self._engine.classes.only_owner(name)
        return None if cls is None else self._method(Instance(cls), name)

    def set(self, owner: Value, name: str, value: Value) -> None:
        """Store `value` as an attribute of `owner`."""
        for one in options_of(owner) if value is not None else ():
            if isinstance(one, Instance | ClassValue):
                self._engine.store.put(("attribute", one.cls, name), value)

    # --- objects ----------------------------------------------------------------------------------

    def _of_instance(self, frame: Context, owner: Instance, name: str, node: Any) -> Value:
        if owner.text is not None and name in {"value", "_value_"}:
            return Constant(owner.text, str)
        if name == "__class__":
            return ClassValue(owner.cls)
        key = (owner, name)
        if key in self._methods:
            return self._methods[key]
        classes = self._engine.classes
        cls = classes.find(owner.cls, name)
        below = classes.overriding(owner.cls, name) if cls is None and not owner.is_exact else ()
        if any(name in one.methods for one in (cls, *below) if one is not None):
            value = self._method(owner, name)
            if not any(isinstance(one, Property) for one in options_of(value)):
                self._methods[key] = value
                return value
            return frame.call(union(*[getattr(one, "inner", one) for one in options_of(value)]),
                              node)  # fmt: skip
        value = None if cls is None else self._field(frame, owner, cls, name, node)
        is_empty = isinstance(value, Items | Table) and not self._engine.contents(frame, value)
        if value is None or is_empty or isinstance(value, Constant | Object):
            value = union(value, self._stored_in(frame, owner.cls, name))
        for find in self._engine.registry.missing:
            value = find(frame, owner, name) if value is None else value
        return self._inherited(owner, owner.cls, name) if value is None else value

    def _method(self, owner: Instance, name: str) -> Value:
        """Return a method, together with its overrides unless the class is exact."""
        classes = self._engine.classes
        found: list[Value] = []
        below = [] if owner.is_exact else classes.overriding(owner.cls, name)
        for cls in (owner.cls, *below):
            defining = classes.find(cls, name)
            if defining is not None:
                value = self._engine.names.in_class(defining, name)
                of = owner if cls is owner.cls else Instance(cls)
                found += [self._engine.bind(one, of) for one in options_of(value)]
        return union(*found)

    def _field(self, frame: Context, owner: Value, cls: Class, name: str, node: Any) -> Value:
        """Return the value that `owner` has for an attribute assigned in its class."""
        results: list[Value] = []
        for value in options_of(self._engine.names.in_class(cls, name)):
            made_by = value.made_by if isinstance(value, Object) else type(value)
            descriptor = self._engine.registry.descriptors.get(made_by)
            if descriptor is not None:
                results.append(descriptor(frame, owner, value) or value)
            elif isinstance(value, Property) and isinstance(owner, Instance):
                bound = self._engine.bind(value.inner, owner)
                results.append(frame.call(bound, node))
            elif isinstance(value, FunctionValue | Static) and not self._is_annotated(cls, name):
                is_plain = isinstance(value, FunctionValue) and isinstance(owner, ClassValue)
                results.append(value if is_plain else self._engine.bind(value, owner))
            else:
                results.append(value)
        return union(*results)

    def _inherited(self, owner: Value, cls: Class, name: str) -> Value:
        """Return an attribute that `cls` may inherit from a library class."""
        is_foreign = any(isinstance(base, str) for base in self._engine.classes.order(cls))
        return Bound(owner, name) if is_foreign else None

    def _is_annotated(self, cls: Class, name: str) -> bool:
        about = self._engine.classes.definition(cls, name)
        return about[0] == "=" and about[4] is not None

    def _stored_in(self, frame: Context, cls: Class, name: str) -> Value:
        """Return the values stored in an attribute of instances, by methods or other code."""
        engine, sources = self._engine, self._engine.classes.sources(cls)
        for one in sources:
            if (one, name) not in self._stored:
                self._stored.add((one, name))
                for method in one.methods.values():
                    for number in method.syntax.stores.get(name, ()):
                        engine.home(method).execute(number)
        found = union(*[engine.store.get(("attribute", one, name), frame) for one in sources])
        if found is None:
            engine.demand.seek("set", name)
        return found

    # --- classes ----------------------------------------------------------------------------------

    def _of_class(self, frame: Context, owner: ClassValue, name: str, node: Any) -> Value:
        engine = self._engine
        cls = engine.classes.find(owner.cls, name)
        if cls is None:
            stored = self._stored_in(frame, owner.cls, name)
            return self._inherited(owner, owner.cls, name) if stored is None else stored
        if engine.classes.definition(cls, name)[0] != "=":
            options = options_of(engine.names.in_class(cls, name))
            return union(*[
                engine.bind(one, owner) if isinstance(one, Static) else one for one in options
            ])
        if engine.classes.is_a(owner.cls, *_ENUMERATIONS):
            value = engine.names.in_class(cls, name)
            text = value.value if isinstance(value, Constant) else None
            return Instance(owner.cls, is_exact=True, text=text if isinstance(text, str) else None)
        read = self._field(frame, owner, cls, name, node)
        return union(read, self._stored_in(frame, owner.cls, name))

    def _of_super(self, frame: Context, owner: Super, name: str, node: Any) -> Value:
        cls, receiver = owner.cls, owner.receiver
        own = receiver.cls if isinstance(receiver, Instance | ClassValue) else cls
        found = self._engine.classes.find(own, name, after=cls)
        if found is None:
            return Bound(owner, name)
        value = self._engine.names.in_class(found, name)
        bound = [self._engine.bind(one, receiver) for one in options_of(value)]
        return union(*[
            frame.call(one.inner, node) if isinstance(one, Property) else one for one in bound
        ])
