"""Django: models and their relations, managers and query sets, saving, commands, on_commit.

Also the parts of Django REST framework that call back: serializers that are saved.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._types import last_name
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
from ._classes import class_named

MODEL = "django.db.models.Model"
ATOMIC = "django.db.transaction.atomic"
_MANAGER = "django.db.models.Manager"
_QUERY_SET = "django.db.models.QuerySet"
_TO_ONE = ("ForeignKey", "OneToOneField")
_TO_MANY = "ManyToManyField"
_MODELS = """
    django.contrib.auth.models.AbstractUser
    django.contrib.auth.models.AbstractBaseUser django.contrib.auth.base_user.AbstractBaseUser
    model_utils.models.TimeStampedModel django_extensions.db.models.TimeStampedModel
    django.contrib.gis.db.models.Model mptt.models.MPTTModel polymorphic.models.PolymorphicModel
"""
_MANAGERS = """
    django.contrib.auth.models.UserManager django.contrib.auth.models.BaseUserManager
    django.contrib.auth.base_user.BaseUserManager mptt.managers.TreeManager
    polymorphic.managers.PolymorphicManager
"""
_CREATING = """
    create get_or_create update_or_create acreate aget_or_create aupdate_or_create
"""
_GETTING = """
    get first last latest earliest aget afirst alast get_or_none __getitem__ get_or_404
    first_or_404 get_subclass
"""
_QUERYING = """
    filter all exclude order_by select_related prefetch_related annotate distinct only defer
    select_for_update using iterator reverse none get_queryset aiterator union active in_bulk
    select_subclasses no_cache limit skip __call__
"""
_SERIALIZERS = """
    rest_framework.serializers.Serializer rest_framework.serializers.ModelSerializer
    rest_framework.serializers.BaseSerializer
"""


@dataclass(slots=True, eq=False)
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
    function, method = registry.function, registry.method
    _signals.register(registry)
    _aliases(registry)
    registry.members[MODEL] = _model_member
    for name in (*_TO_ONE, _TO_MANY):
        registry.descriptors[f"django.db.models.{name}"] = _related
    registry.descriptors[Instance] = _manager
    registry.descriptors[Query] = _of_owner
    registry.attributes[ClassValue] = _objects
    registry.attributes[Query] = _query_attribute
    registry.elements[Query] = lambda frame, query: _object(query)
    method(_save, MODEL, "save asave")
    method(_delete, MODEL, "delete adelete")
    queries = f"{_MANAGER} {_QUERY_SET}"
    function(lambda call: Query(None), queries)
    for owner in (Query, queries):
        method(_create, owner, _CREATING)
        method(lambda call: _object(_query_of(call)), owner, _GETTING)
        method(_query_of, owner, _QUERYING)
        method(_delete_all, owner, "delete adelete")
    method(_as_manager, _QUERY_SET, "as_manager")
    method(lambda call: call.get(0), _MANAGER, "from_queryset")
    function(lambda call: call.get(0), f"{_MANAGER}.from_queryset")
    function(_get_object, "django.shortcuts.get_object_or_404")
    function(_get_model, "django.apps.apps.get_model django.contrib.auth.get_user_model")
    function(_on_commit, "django.db.transaction.on_commit headrace_django.on_commit")
    registry.leaving[ATOMIC] = _commit
    function(_call_command, "django.core.management.call_command")
    registry.finishing.append(_finish_commands)
    method(_save_serializer, _SERIALIZERS, "save")


def _aliases(registry: Registry) -> None:
    registry.alias(MODEL, _MODELS)
    for name in ("Manager", "QuerySet", *_TO_ONE, _TO_MANY):
        registry.alias(f"django.db.models.{name}", f"django.contrib.gis.db.models.{name}")
    registry.alias(_MANAGER, _MANAGERS)


def _class_of(value: Value) -> Class | None:
    return value.cls if isinstance(value, Instance | ClassValue) else None


# --- models ---------------------------------------------------------------------------------------


def _model_member(frame: Frame, owner: Value, name: str) -> Value | None:
    cls = _class_of(owner)
    if cls is None:
        return None
    if name in {"_default_manager", "_base_manager"}:
        return Query(cls)
    return _reverse(frame.engine).get((cls.name, name))


def _related(frame: Frame, owner: Value, field: Object) -> Value:
    """Return the other side of a relation."""
    cls = _target(frame.engine, owner, field)
    if cls is None:
        return UNKNOWN
    is_many = field.made_by.endswith(_TO_MANY)
    return Query(cls, _default_manager(frame.engine, cls)) if is_many else Instance(cls)


def _target(engine: Engine, owner: Value, field: Object) -> Class | None:
    to = field.arguments[0] if field.arguments else field.keyword("to")
    if isinstance(to, ClassValue):
        return to.cls
    text = text_of(to)
    return _class_of(owner) if text == "self" else class_named(engine, text)


def _reverse(engine: Engine) -> dict[tuple[str, str], Value]:
    """Return what models have by the relations of others, by names of class and attribute."""
    known: dict[tuple[str, str], Value] | None = engine.facts.get(_reverse)
    if known is None:
        known = engine.facts[_reverse] = {}
        for cls in engine.all_classes():
            for bindings in cls.members.values():
                binding = bindings[-1]
                if isinstance(binding, Assignment) and isinstance(binding.value, ast.Call):
                    _add_reverse(engine, cls, binding.value, known)
    return known


def _add_reverse(
    engine: Engine, cls: Class, node: ast.Call, known: dict[tuple[str, str], Value]
) -> None:
    last = last_name(node.func)
    if last not in {*_TO_ONE, _TO_MANY}:
        return
    field = engine.evaluate(engine.quiet(cls), node)
    target = _target(engine, ClassValue(cls), field) if isinstance(field, Object) else None
    if target is None or not isinstance(field, Object):
        return
    is_one = last == "OneToOneField"
    usual = cls.name.lower() if is_one else f"{cls.name.lower()}_set"
    name = text_of(field.keyword("related_name")) or usual
    many = Query(cls, _default_manager(engine, cls))
    known[target.name, name] = Instance(cls) if is_one else many


def _default_manager(engine: Engine, cls: Class) -> Class | None:
    found = engine.classes.find(cls, "objects")
    value = UNKNOWN if found is None else engine.names.in_class(found[0], "objects")
    if isinstance(value, Query):
        return value.own
    return value.cls if isinstance(value, Instance) else None


def _save(call: Call) -> Value:
    _send(call, call.owner, "save")
    return UNKNOWN


def _delete(call: Call) -> Value:
    first = len(call.frame.context.events)
    _send(call, call.owner, "delete")
    call.frame.enclose(Object(ATOMIC), call.node, first)  # Django sends them in a transaction
    return UNKNOWN


def _send(call: Call, owner: Value, what: str) -> None:
    cls = _class_of(getattr(owner, "receiver", owner))
    for moment in ("pre", "post") if cls is not None else ():
        _signals.send(call.frame, f"django.db.models.signals.{moment}_{what}", cls, call.node)


# --- managers and query sets ----------------------------------------------------------------------


def _objects(frame: Frame, owner: ClassValue, name: str) -> Value | None:
    """Return the query set of a model or document, whatever library has the manager."""
    if name != "objects":
        return None
    engine, classes = frame.engine, frame.engine.classes
    found = classes.find(owner.cls, name)
    manager = UNKNOWN if found is None else engine.names.in_class(found[0], name)
    cls = manager.cls if isinstance(manager, Instance) else owner.cls
    known = [one for one in classes.order(cls) if isinstance(one, Class)]
    bases = [base for one in known for base in classes.bases(one)]
    is_foreign = any(not isinstance(base, ClassValue) for base in bases)
    is_manager = manager is UNKNOWN or isinstance(manager, Query | Instance | Object)
    own = _default_manager(engine, owner.cls)
    return Query(owner.cls, own) if is_foreign and is_manager else None


def _manager(frame: Frame, owner: Value, value: Instance) -> Value | None:
    if frame.engine.classes.is_a(value.cls, _MANAGER, _QUERY_SET):
        return _of_owner(frame, owner, Query(None, value.cls))
    return None


def _of_owner(frame: Frame, owner: Value, value: Query) -> Value:
    cls = _class_of(owner)
    return value if cls is None or value.model is not None else value.but(model=cls)


def _as_manager(call: Call) -> Value:
    return Query(None, call.owner.cls) if isinstance(call.owner, ClassValue) else UNKNOWN


def _query_attribute(frame: Frame, query: Query, name: str) -> Value:
    if query.own is not None and frame.engine.classes.find(query.own, name) is not None:
        fields = () if query.model is None else (("model", ClassValue(query.model)),)
        receiver = Instance(query.own, is_exact=True, fields=fields)
        return frame.engine.attribute(frame, receiver, name, ast.Pass())
    return Bound(query, name)


def _query_of(call: Call) -> Query:
    if isinstance(call.owner, Query):
        return call.owner
    receiver = getattr(call.owner, "receiver", call.owner)
    if isinstance(receiver, Instance):
        return Query(_class_of(dict(receiver.fields).get("model", UNKNOWN)), receiver.cls)
    return Query(None)


def _object(query: Query) -> Value:
    return UNKNOWN if query.model is None else Instance(query.model)


def _create(call: Call) -> Value:
    query = _query_of(call)
    if query.model is None:
        return UNKNOWN
    made = Instance(query.model, is_exact=True)
    method = call.frame.engine.attribute(call.frame, made, "save", call.node)
    call.frame.hand_over(method, call.node)
    return Items((made, UNKNOWN)) if call.name.endswith("or_create") else made


def _delete_all(call: Call) -> Value:
    query = _query_of(call)
    if query.model is not None:
        _send(call, Instance(query.model), "delete")
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
    callee = call.value(0, "func")
    call.frame.hand_over(callee, call.node, kind="on_commit")
    return callee if isinstance(callee, FunctionValue | Wrapper) else UNKNOWN


def _commit(frame: Frame, manager: Value, node: ast.AST, count: int) -> None:
    """Run what waits for the commit behind everything else in the block."""
    for number, event in enumerate(list(frame.context.events)):
        if number >= count and event.kind == "on_commit":
            frame.emit(event.targets, node, event.kind, event.part)
            again = frame.context.events[-1]
            again.line = event.line
            again.before &= ~(1 << number)


def _call_command(call: Call) -> Value:
    given, frame = call.get(0, "command_name"), call.frame
    name = text_of(given)
    if isinstance(given, Instance):
        frame.hand_over(frame.engine.attribute(frame, given, "handle", call.node), call.node)
    elif name is not None:
        frame.engine.facts.setdefault(_call_command, set()).add(name)
        frame.emit((frame.engine.hub(("command", name)),), call.node)
    return UNKNOWN


def _finish_commands(engine: Engine) -> None:
    for name in sorted(engine.facts.get(_call_command, ())):
        hub = engine.hub(("command", name))
        for path in engine.program.files:
            module = None
            if not hub.events and path.endswith(f"/management/commands/{name}.py"):
                module = engine.program.module(path)
            command = UNKNOWN if module is None else engine.names.in_module(module, "Command")
            if isinstance(command, ClassValue) and module is not None:
                hub.module, node = module, command.cls.node
                frame = Frame(engine, hub, module, {})
                method = engine.attribute(frame, Instance(command.cls), "handle", node)
                frame.hand_over(method, node)


def _save_serializer(call: Call) -> Value:
    frame, receiver = call.frame, getattr(call.owner, "receiver", call.owner)

    def run(name: str) -> Value:
        method = frame.engine.attribute(frame, receiver, name, call.node)
        return frame.hand_over(method, call.node)

    frame.each(("create", "update"), run)
    return UNKNOWN
