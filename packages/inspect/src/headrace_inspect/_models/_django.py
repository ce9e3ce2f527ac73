"""Django: models and their relations, managers and query sets, saving, commands, on_commit.

Also the parts of Django REST framework that call back: serializers that are saved, views that
perform.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Bound,
    ClassValue,
    FunctionValue,
    Instance,
    Items,
    Object,
    Value,
    Wrapper,
    text_of,
)
from headrace_inspect._symbols._entities import Assignment, Class

from . import _signals
from ._names import class_named

MODEL = "django.db.models.Model"
ATOMIC = "django.db.transaction.atomic"
_MANAGERS = ("django.db.models.Manager", "django.db.models.QuerySet")
_TO_ONE = ("django.db.models.ForeignKey", "django.db.models.OneToOneField")
_TO_MANY = ("django.db.models.ManyToManyField",)
_CREATING = ("create", "get_or_create", "update_or_create", "acreate", "aget_or_create",
             "aupdate_or_create")  # fmt: skip
_GETTING = ("get", "first", "last", "latest", "earliest", "aget", "afirst", "alast", "get_or_none")
_OTHER = frozenset([
    "count", "exists", "aggregate", "update", "bulk_create", "bulk_update", "acount", "aexists",
    "values", "values_list", "add", "remove", "clear", "set", "dates", "explain",
])  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Query(Value):
    """A manager or query set.

    Attributes:
        model: the model of its objects.
        own: the class of the source that it is an instance of, if it is one.
    """

    model: Class | None
    own: Class | None = None


def register(registry: Registry) -> None:
    """Register what this module knows."""
    _aliases(registry)
    _signals.register(registry)
    registry.members[MODEL] = _model_member
    registry.method(MODEL, "save", "asave")(_save)
    registry.method(MODEL, "delete", "adelete")(_delete)
    for field in _TO_ONE:
        registry.described[field] = _to_one
    for field in _TO_MANY:
        registry.described[field] = _to_many
    registry.descriptors[Instance] = _manager
    registry.descriptors[Query] = lambda frame, owner, value, name: _of_owner(owner, value)
    registry.attributes[Query] = _query_attribute
    registry.elements[Query] = lambda frame, query: _object(query)
    registry.function("django.db.models.Manager", "django.db.models.QuerySet")(
        lambda call: Query(None)
    )
    registry.method("django.db.models.QuerySet", "as_manager")(_as_manager)
    registry.method("django.db.models.Manager", "from_queryset")(lambda call: call.get(0))
    registry.function("django.db.models.Manager.from_queryset")(lambda call: call.get(0))
    registry.function("django.shortcuts.get_object_or_404")(_get_object)
    _querying(registry)
    registry.function("django.db.transaction.on_commit", "headrace_django.on_commit")(_on_commit)
    registry.leaving[ATOMIC] = _commit
    registry.function("django.core.management.call_command")(_call_command)
    registry.function("django.apps.apps.get_model", "django.contrib.auth.get_user_model")(
        _get_model
    )
    registry.finishing.append(_finish_commands)
    for base in ("Serializer", "ModelSerializer", "BaseSerializer"):
        registry.method(f"rest_framework.serializers.{base}", "save")(_save_serializer)


def _aliases(registry: Registry) -> None:
    registry.alias(
        MODEL,
        "django.db.models.base.Model",
        "django.contrib.auth.models.AbstractUser",
        "django.contrib.auth.models.AbstractBaseUser",
        "django.contrib.auth.base_user.AbstractBaseUser",
        "model_utils.models.TimeStampedModel",
        "django_extensions.db.models.TimeStampedModel",
        "django.contrib.gis.db.models.Model",
        "mptt.models.MPTTModel",
        "polymorphic.models.PolymorphicModel",
    )
    for name in ("Manager", "QuerySet", "ForeignKey", "OneToOneField", "ManyToManyField"):
        usual = f"django.db.models.{name}"
        others = [f"django.db.models.{part}.{name}" for part in ("manager", "query", "fields")]
        registry.alias(usual, *others, f"django.contrib.gis.db.models.{name}")
    registry.alias("django.db.models.Manager", "django.contrib.auth.models.UserManager",
                   "django.contrib.auth.models.BaseUserManager",
                   "django.contrib.auth.base_user.BaseUserManager",
                   "mptt.managers.TreeManager",
                   "polymorphic.managers.PolymorphicManager")  # fmt: skip


# --- models ---------------------------------------------------------------------------------------


def _model_member(frame: Frame, owner: Value, name: str) -> Value | None:
    cls = owner.cls if isinstance(owner, Instance | ClassValue) else None
    if cls is None:
        return None
    if name in {"objects", "_default_manager", "_base_manager"}:
        return Query(cls)
    return _reverse(frame.engine).get((cls.name, name))


def _target(engine: Engine, owner: Value, field: Object) -> Class | None:
    to = field.arguments[0] if field.arguments else field.keyword("to")
    if isinstance(to, ClassValue):
        return to.cls
    text = text_of(to)
    if text == "self" and isinstance(owner, Instance | ClassValue):
        return owner.cls
    return class_named(engine, text)


def _to_one(frame: Frame, owner: Value, field: Object, name: str) -> Value | None:
    cls = _target(frame.engine, owner, field)
    return None if cls is None else Instance(cls)


def _to_many(frame: Frame, owner: Value, field: Object, name: str) -> Value | None:
    cls = _target(frame.engine, owner, field)
    return None if cls is None else Query(cls, _default_manager(frame.engine, cls))


def _reverse(engine: Engine) -> dict[tuple[str, str], Value]:
    """Return what the other sides of relations give, by the names of class and attribute."""
    known: dict[tuple[str, str], Value] | None = engine.facts.get("reverse relations")
    if known is not None:
        return known
    known = engine.facts["reverse relations"] = {}
    for cls in engine.all_classes():
        for bindings in cls.members.values():
            binding = bindings[-1]
            if isinstance(binding, Assignment) and isinstance(binding.value, ast.Call):
                _add_reverse(engine, cls, binding.value, known)
    return known


def _add_reverse(
    engine: Engine, cls: Class, node: ast.Call, known: dict[tuple[str, str], Value]
) -> None:
    last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    last = node.func.id if isinstance(node.func, ast.Name) else last
    if last not in {"ForeignKey", "OneToOneField", "ManyToManyField"}:
        return
    field = engine.evaluate(engine.quiet(cls), node)
    if not isinstance(field, Object):
        return
    target = _target(engine, ClassValue(cls), field)
    if target is None:
        return
    usual = cls.name.lower() if last == "OneToOneField" else f"{cls.name.lower()}_set"
    name = text_of(field.keyword("related_name")) or usual
    many: Value = Query(cls, _default_manager(engine, cls))
    known[target.name, name] = Instance(cls) if last == "OneToOneField" else many


def _default_manager(engine: Engine, cls: Class) -> Class | None:
    found = engine.classes.find(cls, "objects")
    if found is None:
        return None
    value = engine.names.in_class(found[0], "objects")
    if isinstance(value, Query):
        return value.own
    return value.cls if isinstance(value, Instance) else None


def _save(call: Call) -> Value:
    _send(call.frame, call.owner, ("pre_save", "post_save"), call.node)
    return UNKNOWN


def _delete(call: Call) -> Value:
    first = len(call.frame.context.events)
    _send(call.frame, call.owner, ("pre_delete", "post_delete"), call.node)
    call.frame.enclose(Object(ATOMIC), call.node, first)  # Django sends them in a transaction
    return UNKNOWN


def _send(frame: Frame, owner: Value, names: tuple[str, ...], node: ast.AST) -> None:
    if not isinstance(owner, Instance | ClassValue):
        owner = getattr(owner, "receiver", owner)
    cls = owner.cls if isinstance(owner, Instance | ClassValue) else None
    if cls is not None:
        for name in names:
            _signals.send(frame, f"django.db.models.signals.{name}", cls, node)


# --- managers and query sets ----------------------------------------------------------------------


def _manager(frame: Frame, owner: Value, value: Instance, name: str) -> Value | None:
    if frame.engine.classes.is_a(value.cls, *_MANAGERS):
        return _of_owner(owner, Query(None, value.cls))
    return None


def _of_owner(owner: Value, value: Query) -> Value:
    cls = owner.cls if isinstance(owner, Instance | ClassValue) else None
    return value if cls is None or value.model is not None else value.but(model=cls)


def _as_manager(call: Call) -> Value:
    return Query(None, call.owner.cls) if isinstance(call.owner, ClassValue) else UNKNOWN


def _query_attribute(frame: Frame, query: Query, name: str) -> Value:
    if query.own is not None and frame.engine.classes.find(query.own, name) is not None:
        fields = () if query.model is None else (("model", ClassValue(query.model)),)
        receiver = Instance(query.own, is_exact=True, fields=fields)
        return frame.engine.attribute(frame, receiver, name, ast.Pass())
    return Bound(query, name)


def _querying(registry: Registry) -> None:
    for owner in (Query, *_MANAGERS):
        registry.method(owner, *_CREATING)(_create)
        registry.method(owner, *_GETTING)(lambda call: _object(_query_of(call)))
        registry.method(owner, "delete", "adelete")(_delete_all)
        registry.method(owner, "__getitem__")(lambda call: _object(_query_of(call)))
    for name in (
        "filter", "all", "exclude", "order_by", "select_related", "prefetch_related", "annotate",
        "distinct", "only", "defer", "select_for_update", "using", "iterator", "reverse", "none",
        "get_queryset", "aiterator", "union", "active", "in_bulk",
    ):  # fmt: skip
        for owner in (Query, *_MANAGERS):
            registry.method(owner, name)(_query_of)


def _query_of(call: Call) -> Query:
    owner = call.owner
    if isinstance(owner, Query):
        return owner
    receiver = getattr(owner, "receiver", owner)
    if isinstance(receiver, Instance):
        model = dict(receiver.fields).get("model")
        return Query(model.cls if isinstance(model, ClassValue) else None, receiver.cls)
    return Query(None)


def _object(query: Query) -> Value:
    return UNKNOWN if query.model is None else Instance(query.model)


def _create(call: Call) -> Value:
    query = _query_of(call)
    if query.model is None:
        return UNKNOWN
    made = Instance(query.model, is_exact=True)
    engine = call.frame.engine
    method = engine.attribute(call.frame, made, "save", call.node)
    engine.hand_over(call.frame, method, (), (), call.node, "call")
    if call.name.endswith("or_create"):
        return Items((made, UNKNOWN))
    return made


def _delete_all(call: Call) -> Value:
    query = _query_of(call)
    if query.model is not None:
        _send(call.frame, Instance(query.model), ("pre_delete", "post_delete"), call.node)
    return UNKNOWN


def _get_object(call: Call) -> Value:
    given = call.get(0)
    if isinstance(given, Query):
        return _object(given)
    return Instance(given.cls) if isinstance(given, ClassValue) else UNKNOWN


def _get_model(call: Call) -> Value:
    label, name = text_of(call.get(0)), text_of(call.get(1))
    cls = class_named(call.frame.engine, f"{label}.{name}" if name else label or "User")
    return UNKNOWN if cls is None else ClassValue(cls)


# --- the rest -------------------------------------------------------------------------------------


def _on_commit(call: Call) -> Value:
    callee = call.get(0, "func") or UNKNOWN
    call.frame.engine.hand_over(call.frame, callee, (), (), call.node, "on_commit")
    return callee if isinstance(callee, FunctionValue | Wrapper) else UNKNOWN


def _commit(frame: Frame, manager: Value, node: ast.AST, count: int) -> None:
    """What waits for the commit runs behind all else in the block."""
    for number, event in enumerate(list(frame.context.events)):
        if number >= count and event.kind == "on_commit":
            frame.emit(event.targets, node, event.kind, event.part)
            again = frame.context.events[-1]
            again.line = event.line
            again.before &= ~(1 << number)


def _call_command(call: Call) -> Value:
    given = call.get(0, "command_name")
    name = text_of(given)
    if isinstance(given, Instance):
        method = call.frame.engine.attribute(call.frame, given, "handle", call.node)
        call.frame.engine.hand_over(call.frame, method, (), (), call.node, "call")
    elif name is not None:
        call.frame.engine.facts.setdefault("commands", set()).add(name)
        call.frame.emit((call.frame.engine.hub(("command", name)),), call.node)
    return UNKNOWN


def _finish_commands(engine: Engine) -> None:
    for name in sorted(engine.facts.get("commands", ())):
        hub = engine.hub(("command", name))
        for path in engine.program.files:
            module = None
            if not hub.events and path.endswith(f"/management/commands/{name}.py"):
                module = engine.program.module(path)
            command = UNKNOWN if module is None else engine.names.in_module(module, "Command")
            if isinstance(command, ClassValue) and module is not None:
                frame = Frame(engine, Context(None, module), module, {})
                frame.context = hub
                hub.module = module
                method = engine.attribute(frame, Instance(command.cls), "handle", command.cls.node)
                engine.hand_over(frame, method, (), (), command.cls.node, "call")


def _save_serializer(call: Call) -> Value:
    engine, owner = call.frame.engine, call.owner
    receiver = getattr(owner, "receiver", owner)
    with call.frame.aside() as branches:
        for name in ("create", "update"):
            branches.begin()
            method = engine.attribute(call.frame, receiver, name, call.node)
            engine.hand_over(call.frame, method, (), (), call.node, "call")
            branches.end()
    return UNKNOWN
