"""SQLAlchemy: relationships and session queries."""

from __future__ import annotations

from headrace_inspect._evaluate._contexts import Frame
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    Bound,
    ClassValue,
    Instance,
    Items,
    Object,
    Value,
    text_of,
    union,
)

from ._classes import class_named
from ._django import Query

_RELATIONSHIPS = ("sqlalchemy.orm.relationship", "flask_sqlalchemy.SQLAlchemy.relationship")


def register(registry: Registry) -> None:
    """Register this model."""
    registry.names.update(_RELATIONSHIPS)
    for name in _RELATIONSHIPS:
        registry.descriptors[name] = _related
    registry.method(lambda call: Query(getattr(call.value(0), "cls", None)), Bound, "query")


def _related(frame: Frame, owner: Value, field: Object) -> Value:
    """Return the other side of a relationship: an instance, or a list of instances."""
    to = field.arguments[0] if field.arguments else field.keyword("argument")
    cls = to.cls if isinstance(to, ClassValue) else class_named(frame.engine, text_of(to))
    return None if cls is None else union(Instance(cls), Items((Instance(cls),)))
