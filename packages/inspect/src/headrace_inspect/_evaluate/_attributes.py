"""Attributes of objects, classes and modules."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._symbols._bindings import statements_in
from headrace_inspect._symbols._entities import Assignment, Class

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
    Partial,
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
        self._fields: dict[Class, set[str]] = {}

    def get(self, frame: Frame, owner: Value, name: str, node: ast.AST) -> Value:
        """Return the attribute `name` of `owner`; reading a property runs it."""
        options = options_of(owner)
        if len(options) == 1:
            return self._get(frame, owner, name, node)
        results = []
        with frame.aside() as branches:
            for option in options:
                branches.begin()
                results.append(self._get(frame, option, name, node))
                branches.end()
        return union(*results)

    def _get(self, frame: Frame, owner: Value, name: str, node: ast.AST) -> Value:
        engine = self._engine
        special = engine.registry.attributes.get(type(owner))
        if special is not None:
            found = special(frame, owner, name)
            if found is not None:
                return found
        match owner:
            case ModuleValue(module=module):
                return engine.names.of_module(module, name)
            case External(name=outer):
                return engine.names.external(f"{outer}.{name}")
            case Instance():
                return self._of_instance(frame, owner, name, node)
            case ClassValue(cls=cls):
                return self._of_class(frame, owner, cls, name)
            case Super(cls=cls, receiver=receiver):
                return self._of_super(frame, cls, receiver, name)
            case Manager(inner=inner) | Handing(inner=inner) | Property(inner=inner):
                return self._get(frame, inner, name, node)
            case Object() | Items() | Table() | FunctionValue() | Partial():
                return Bound(owner, name)
        return UNKNOWN if type(owner) is Value else Bound(owner, name)

    # --- objects ----------------------------------------------------------------------------------

    def _of_instance(self, frame: Frame, owner: Instance, name: str, node: ast.AST) -> Value:
        if owner == frame.receiver and name in frame.stored:
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
        if value is UNKNOWN or _is_bare(value):
            value = union(value, self._stored_in(owner, name))
        if value is UNKNOWN:
            value = self._inherited(frame, owner, owner.cls, name)
        return value

    def _member(self, frame: Frame, owner: Value, cls: Class, name: str, node: ast.AST) -> Value:
        found = self._engine.classes.find(cls, name)
        if found is None:
            return UNKNOWN
        base, bindings = found
        value = self._engine.names.in_class(base, name)
        if isinstance(bindings[-1], Assignment):
            if bindings[-1].value is None or isinstance(value, Constant):
                return self._stored_in(owner, name, value)
            return union(*[self._described(frame, owner, one, name) for one in options_of(value)])
        return union(*[self._bind(frame, one, owner, node) for one in options_of(value)])

    def _described(self, frame: Frame, owner: Value, value: Value, name: str) -> Value:
        """Return what a class attribute gives that may be a descriptor."""
        member = self._engine.registry.descriptors.get(type(value))
        if member is not None:
            found = member(frame, owner, value, name)
            return value if found is None else found
        if isinstance(value, Object):
            described = self._engine.registry.described.get(value.made_by)
            if described is not None:
                return described(frame, owner, value, name) or UNKNOWN
        if isinstance(value, Property):
            return self._bind(frame, value, owner, ast.Pass())
        if isinstance(value, FunctionValue) and value.receiver is None:
            return value.but(receiver=owner)
        return value

    def _bind(self, frame: Frame, value: Value, owner: Value, node: ast.AST) -> Value:
        bound = self._engine.bind(value, owner)
        if isinstance(bound, Property):
            return self._engine.invoke(frame, bound.inner, (), (), node)
        return bound

    def _stored_in(self, owner: Value, name: str, declared: Value = UNKNOWN) -> Value:
        if not isinstance(owner, Instance):
            return declared
        found = []
        below = [] if owner.is_exact else self._engine.classes.below(owner.cls)[:24]
        for cls in [*self._engine.classes.order(owner.cls), *below]:
            if isinstance(cls, Class):
                self._look_through(cls)
                found.append(self._stored.get((cls, name), UNKNOWN))
        return union(declared, *found)

    def _look_through(self, cls: Class) -> None:
        """Run the methods that store attributes, so that these are known."""
        if cls in self._fields:
            return
        self._fields[cls] = set()
        names = ["__init__", *[name for name in cls.members if name != "__init__"]]
        for name in names:
            for binding in cls.members.get(name, ()):
                if isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef) and _stores(binding):
                    method = self._engine.program.function(binding, cls)
                    self._engine.context(FunctionValue(method, Instance(cls)))

    def set(self, frame: Frame, owner: Value, name: str, value: Value, node: ast.AST) -> None:
        """Run what a property does when it is set."""
        found = self._engine.classes.find(owner.cls, name) if isinstance(owner, Instance) else None
        if found is None:
            return
        for binding in found[1][1:]:
            if isinstance(binding, ast.FunctionDef) and _is_setter(binding):
                setter = FunctionValue(self._engine.program.function(binding, found[0]), owner)
                self._engine.invoke(frame, setter, (value,), (), node)

    def store(self, owner: Value, name: str, value: Value) -> None:
        """Keep `value` as an attribute of the objects of a class."""
        if isinstance(owner, Instance | ClassValue) and value is not UNKNOWN:
            key = (owner.cls, name)
            self._stored[key] = union(self._stored.get(key, UNKNOWN), value)

    def _inherited(self, frame: Frame, owner: Value, cls: Class, name: str) -> Value:
        for base in self._engine.classes.order(cls):
            if isinstance(base, str):
                member = self._engine.registry.members.get(base)
                found = None if member is None else member(frame, owner, name)
                if found is not None:
                    return found
                if (base, name) in self._engine.registry.methods:
                    return Bound(owner, name)
        if self._engine.classes.find(cls, "__getattr__"):
            return UNKNOWN
        has_foreign = any(isinstance(base, str) for base in self._engine.classes.order(cls))
        return Bound(owner, name) if has_foreign else UNKNOWN

    # --- classes ----------------------------------------------------------------------------------

    def _of_class(self, frame: Frame, owner: Value, cls: Class, name: str) -> Value:
        found = self._engine.classes.find(cls, name)
        if found is None:
            return self._inherited(frame, owner, cls, name)
        base, bindings = found
        value = self._engine.names.in_class(base, name)
        results = []
        for option in options_of(value):
            if isinstance(option, Static):
                results.append(self._engine.bind(option, owner))
            elif isinstance(bindings[-1], Assignment):
                if self._engine.classes.is_a(cls, *_ENUMERATIONS):
                    return Instance(cls, is_exact=True)
                made = self._described(frame, owner, option, name)
                results.append(union(made, self._stored_in(Instance(cls), name)))
            else:
                results.append(option)
        return union(*results)

    def _of_super(self, frame: Frame, cls: Class, receiver: Value, name: str) -> Value:
        own = receiver.cls if isinstance(receiver, Instance | ClassValue) else cls
        found = self._engine.classes.find(own, name, after=cls)
        if found is None:
            order = self._engine.classes.order(own)
            for base in order[order.index(cls) + 1 :] if cls in order else []:
                if isinstance(base, str) and (base, name) in self._engine.registry.methods:
                    return Bound(receiver, name)
            return Bound(Super(cls, receiver), name)
        value = self._engine.names.in_class(found[0], name)
        return union(*[self._bind(frame, one, receiver, ast.Pass()) for one in options_of(value)])


def _stores(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args]
    if not arguments:
        return False
    first = arguments[0].arg
    return any(
        isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == first
        for statement in statements_in(node.body)
        for target in _targets(statement)
    )


def _targets(statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign(targets=targets):
            return [
                one
                for target in targets
                for one in (target.elts if isinstance(target, ast.Tuple) else [target])
            ]
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return [target]
    return []


def _is_setter(node: ast.FunctionDef) -> bool:
    return any(getattr(one, "attr", "") == "setter" for one in node.decorator_list)


def _is_bare(value: Value) -> bool:
    return isinstance(value, Items | Table) and not (
        value.values if isinstance(value, Items) else value.entries
    )
