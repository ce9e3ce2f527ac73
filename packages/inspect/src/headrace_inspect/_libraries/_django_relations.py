"""Django's foreign keys: what the attribute of a model gives that stands for other models."""

from __future__ import annotations

import ast
from itertools import islice
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class
from headrace_inspect._names._library_values import Related
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    External,
    Instance,
    Method,
    Text,
    Value,
    choice_of,
)
from headrace_inspect._running._calls import call_library

from ._registry import function

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame

_ONE = frozenset(["ForeignKey", "OneToOneField"])
_KINDS = _ONE | {"ManyToManyField"}
_FIELDS = [f"django.db.models.{kind}" for kind in _KINDS]


@function(*_FIELDS, *(name.replace("models", "models.fields.related") for name in _FIELDS))
def make_field(frame: Frame, arguments: Arguments, node: ast.AST, value: External) -> Value:
    """``ForeignKey(to, ...)``."""
    call_library(frame, value, arguments, node)
    to = frame.engine.resolve(arguments.get(0, "to") or UNKNOWN)
    reverse = frame.engine.resolve(arguments.get(None, "related_name") or Text(("",)))
    name = reverse.constant if isinstance(reverse, Text) else None
    return Related(value.name.rpartition(".")[2], to, name)


@function(
    "django.contrib.contenttypes.fields.GenericForeignKey",
    "django.contrib.contenttypes.fields.GenericRelation",
)
def make_generic(frame: Frame, arguments: Arguments, node: ast.AST, value: External) -> Value:
    """A relation to any model."""
    return Related("", UNKNOWN, None)


def related(engine: Engine, owner: Class, name: str, field: Related) -> Value:
    """Return what the attribute `name` gives, which is `field`, of an instance of `owner`."""
    targets = _targets(engine, owner, field.to)
    if not targets or not field.kind:
        return Method(Instance(owner, exact=False), name)
    if field.kind in _ONE:
        return choice_of([_one(engine, target) for target in targets])
    return choice_of([manager_of(engine, target) for target in targets])


def reverse(engine: Engine, cls: Class, name: str) -> Value | None:
    """Return the attribute by which an instance of `cls` has what refers to it, or None."""
    found: list[Value] = []
    for owner, attribute in _fields(engine):
        field = engine.value_of(owner, attribute)
        if isinstance(field, Related) and _name_of_reverse(owner, field) == name:
            targets = _targets(engine, owner, field.to)
            if any(target in engine.mro(cls) for target in targets):
                is_one = field.kind == "OneToOneField"
                found.append(_one(engine, owner) if is_one else manager_of(engine, owner))
    return choice_of(found) if found else None


def manager_of(engine: Engine, model: Class) -> Value:
    """Return the default manager of `model`."""
    from headrace_inspect._running._attributes import attribute
    from headrace_inspect._running._frame import Frame

    return attribute(Frame(engine, model.module), ClassValue(model), "objects", model.node)


def _one(engine: Engine, model: Class) -> Value:
    return Instance(model, exact=False)


def _name_of_reverse(owner: Class, field: Related) -> str | None:
    if field.reverse != "":
        return field.reverse
    name = owner.node.name.lower()
    return name if field.kind == "OneToOneField" else f"{name}_set"


def _targets(engine: Engine, owner: Class, to: Value) -> list[Class]:
    """Return the models that a field of `owner` may refer to."""
    match to:
        case ClassValue(cls=cls):
            return [cls]
        case Text() if to.constant == "self":
            return [owner]
        case Text() if to.constant:
            name = to.constant.rpartition(".")[2]
            value = engine.lookup(name, owner.module)
            if isinstance(value, ClassValue) and "." not in to.constant:
                return [value.cls]
            return _classes(engine, name)
    return []


def _classes(engine: Engine, name: str) -> list[Class]:
    """Return the classes of this name that have bases."""
    return [
        scope
        for module in engine.mentioning(name)
        for scope in engine.program.scopes(module)
        if isinstance(scope, Class) and scope.node.name == name and scope.node.bases
    ]


def _fields(engine: Engine) -> list[tuple[Class, str]]:
    """Return the fields by which models refer to others, as far as classes were asked for."""
    if engine.relations_read < len(engine.mros):
        new = list(islice(engine.mros, engine.relations_read, None))
        engine.relations_read += len(new)
        engine.relations += [
            (cls, name)
            for cls in new
            for name, bindings in cls.bindings.names.items()
            if _is_field(bindings[-1].node)
        ]
    return engine.relations


def _is_field(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in _KINDS
