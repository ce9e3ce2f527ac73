"""Django's models: what queries give, and the signals that saving and deleting send."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._entities import Class
from headrace_inspect._names._library_values import ManagerValue
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    External,
    Instance,
    Many,
    Method,
    Value,
)
from headrace_inspect._running._attributes import attribute
from headrace_inspect._running._calls import call, call_library, call_unknown_method, maybe_named
from headrace_inspect._running._giving import ANY_ARGUMENTS
from headrace_inspect._running._nodes import Hub
from headrace_inspect._running._trees import Run

from ._django_signals import model_signal_node
from ._registry import Model, finder, function, method

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame

_MODEL = "django.db.models.Model"
_MANAGERS = frozenset(["objects", "_default_manager", "_base_manager"])
_QUERYSET = frozenset([
    "all",
    "annotate",
    "distinct",
    "exclude",
    "filter",
    "get_queryset",
    "iterator",
    "none",
    "only",
    "order_by",
    "prefetch_related",
    "reverse",
    "select_for_update",
    "select_related",
    "using",
])
_ONE = frozenset(["aget", "earliest", "first", "get", "last", "latest", "afirst", "alast"])
_MANAGING = ("Manager", "QuerySet", "Manager.from_queryset()")
_MADE = ("Manager()", "QuerySet().as_manager()", "QuerySet.as_manager()")
_CREATING = frozenset(["create", "acreate"])
_GETTING = frozenset(["get_or_create", "update_or_create", "aget_or_create", "aupdate_or_create"])
_SAVING = frozenset(["save", "asave"])
_DELETING = frozenset(["delete", "adelete"])


def model_of_manager(value: Value) -> Class | None:
    """Return the model class of which `value` is a manager or query set, or None."""
    if isinstance(value, ManagerValue):
        return value.model
    if isinstance(value, Method) and value.name in _MANAGERS:
        return value.owner.cls if isinstance(value.owner, ClassValue) else None
    return None


def managed(engine: Engine, model: Class, value: Instance | External) -> Value:
    """Return `value`, an attribute of the class `model`, as its manager if it is one."""
    if isinstance(value, External):
        is_plain = value.name.endswith(_MADE) and is_model(engine, model)
        return Method(ClassValue(model), "objects") if is_plain else value
    is_manager = any(
        isinstance(base, str) and base.startswith("django.") and base.endswith(_MANAGING)
        for base in engine.mro(value.cls)
    )
    return ManagerValue(model, value.cls) if is_manager else value


@method(ClassValue, "as_manager")
def as_manager(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``OwnQuerySet.as_manager()``."""
    return Instance(value.owner.cls)


@function("django.db.models.Manager.from_queryset")
def from_queryset(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``Manager.from_queryset(OwnQuerySet)``: a class with its methods."""
    given = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    return given if isinstance(given, ClassValue) else External(f"{value.name}()")


def elements_of(value: Value) -> Value:
    """Return what iterating over a query set gives."""
    cls = model_of_manager(value)
    return Instance(cls) if cls is not None else UNKNOWN


@finder
def query(engine: Engine, value: Method) -> Model | None:
    """Methods of ``Model.objects``."""
    cls = model_of_manager(value.owner)
    if cls is None:
        return None
    if value.name in _QUERYSET:
        return _query_set
    if value.name in _ONE:
        return _one
    if value.name in _CREATING | _GETTING:
        return _create
    return _other_query


def _query_set(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    owner: Value = value.owner
    return owner


def _one(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    return elements_of(value.owner)


def _other_query(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    maybe_named(frame, value.name, node)
    return UNKNOWN


@finder
def create_elsewhere(engine: Engine, value: Method) -> Model | None:
    """``create()`` of what may be the manager of some model."""
    if value.name in _CREATING | _GETTING and "save" in engine.relevant:
        return _create_any
    return None


def _create_any(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    frame.maybe(Hub("name", "save"), node)
    return call_unknown_method(frame, value, arguments, node)


def _create(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    made = elements_of(value.owner)
    if isinstance(made, Instance):
        saving = attribute(frame, made, "save", node)
        frame.consume(call(frame, saving, ANY_ARGUMENTS, node))
    return made if value.name in _CREATING else Many((made,))


@finder
def of_instance(engine: Engine, value: Method) -> Model | None:
    """``save()`` and ``delete()`` of an instance of a model."""
    if value.name not in _SAVING | _DELETING or not isinstance(value.owner, Instance):
        return None
    return _save_or_delete if is_model(engine, value.owner.cls) else None


def is_model(engine: Engine, cls: Class) -> bool:
    """Tell whether `cls` is a Django model."""
    return any(
        isinstance(base, str) and base.startswith("django.") and base.endswith(".Model")
        for base in engine.mro(cls)
    )


def _save_or_delete(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    kind = "save" if value.name in _SAVING else "delete"
    _send(frame, value.owner.cls, (f"pre_{kind}", f"post_{kind}"), node)
    return UNKNOWN


def _send(frame: Frame, cls: Class, signals: tuple[str, ...], node: ast.AST) -> None:
    for signal in signals:
        frame.emit(Run(model_signal_node(frame.engine, signal, cls), frame.where(node)))


@function(
    "django.shortcuts.get_object_or_404",
    "django.shortcuts.aget_object_or_404",
)
def get_object(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``get_object_or_404(Model, ...)``."""
    given = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    if isinstance(given, ClassValue):
        return Instance(given.cls)
    found = elements_of(given)
    return found if found is not UNKNOWN else call_library(frame, value, arguments, node)


@function("django.db.models.Model().save_base", f"{_MODEL}().save", f"{_MODEL}().asave")
def super_save(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``super().save()`` in a model's own ``save``."""
    _send_of_self(frame, "save", node)
    return UNKNOWN


@function(f"{_MODEL}().delete", f"{_MODEL}().adelete")
def super_delete(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``super().delete()`` in a model's own ``delete``."""
    _send_of_self(frame, "delete", node)
    return UNKNOWN


def _send_of_self(frame: Frame, kind: str, node: ast.AST) -> None:
    receiver = frame.node.receiver if frame.node is not None else None
    if isinstance(receiver, Instance):
        _send(frame, receiver.cls, (f"pre_{kind}", f"post_{kind}"), node)
