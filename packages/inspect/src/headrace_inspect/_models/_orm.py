"""Object-relational mappers: Django's models and transactions, and SQLAlchemy's relationships.

Covers relations, managers, query sets, model signals and ``on_commit``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace_inspect._evaluate._contexts import Call, Context, Event, line_of
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    Bound,
    ClassValue,
    FunctionValue,
    Instance,
    Items,
    Known,
    Object,
    Value,
    Wrapper,
    options_of,
    text_of,
    union,
)
from headrace_inspect._symbols._entities import Class

from . import _signals
from ._tasks import resolve_dotted

MODEL = "django.db.models.Model"
ATOMIC = "django.db.transaction.atomic"
_MANAGER = "django.db.models.Manager"
_SIGNALS = "django.db.models.signals"
_QUERY_SET = "django.db.models.QuerySet"
_FIELDS = ("ForeignKey", "OneToOneField", "ManyToManyField")
_RELATIONSHIPS = ("sqlalchemy.orm.relationship", "flask_sqlalchemy.SQLAlchemy.relationship")
_MODELS = """
    django.contrib.auth.models.AbstractUser
    django.contrib.auth.models.AbstractBaseUser django.contrib.auth.base_user.AbstractBaseUser
    model_utils.models.TimeStampedModel django_extensions.db.models.TimeStampedModel
    django.contrib.gis.db.models.Model mptt.models.MPTTModel polymorphic.models.PolymorphicModel
"""
_MANAGERS = """
    django.db.models.manager.BaseManager django.contrib.auth.models.UserManager
    django.contrib.auth.models.BaseUserManager
    django.contrib.auth.base_user.BaseUserManager mptt.managers.TreeManager
    polymorphic.managers.PolymorphicManager
"""
_CREATING = """
    create get_or_create update_or_create acreate aget_or_create aupdate_or_create
"""
_GETTING = """
    get first last latest earliest aget afirst alast get_or_none __getitem__ get_or_404
    first_or_404 get_subclass one one_or_none scalar
"""
_QUERYING = """
    filter all exclude order_by select_related prefetch_related annotate distinct only defer
    select_for_update using iterator reverse none get_queryset aiterator union active in_bulk
    select_subclasses no_cache limit skip __call__ join outerjoin options filter_by
"""


@dataclass(slots=True, eq=False)
class Query(Known):
    """A manager or query set: the model of its objects, and its class in the source, if any."""

    model: Class | None
    own: Class | None = None


@dataclass(slots=True, eq=False)
class QueryInstance(Instance):
    """A manager or query set defined in the source, as ``self`` in its methods."""

    model: Class | None = None


class _Reversed(dict[str, list[tuple[Class, str]]]):
    """The classes and fields that declare each ``related_name``."""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    registry.alias(MODEL, _MODELS)
    registry.alias(_MANAGER, _MANAGERS)
    for name in ("Manager", "QuerySet", *_FIELDS):
        registry.alias(f"django.db.models.{name}", f"django.contrib.gis.db.models.{name}")
    registry.names.update(_RELATIONSHIPS)
    related = [f"django.db.models.{name}" for name in _FIELDS]
    registry.descriptors.update(dict.fromkeys([*related, *_RELATIONSHIPS], _related))
    registry.descriptors[Instance] = _manager
    registry.descriptors[Query] = _of_owner
    registry.missing.append(_reverse)
    registry.attributes[ClassValue] = _objects
    registry.attributes[Query] = _query_attribute
    registry.elements[Query] = lambda frame, query: _object(query)
    method(lambda call: _send(call, "save"), MODEL, "save asave")
    queries = f"{_MANAGER} {_QUERY_SET}"
    function(lambda call: Query(None), queries)
    for owner in (Query, queries):
        method(_create, owner, _CREATING)
        method(lambda call: _object(_query_of(call)), owner, _GETTING)
        method(_query_of, owner, _QUERYING)
    for what, names in (("save", f"save asave {_CREATING}"), ("delete", "delete adelete")):
        for moment in ("pre", "post"):
            _signals.SENDERS[f"{_SIGNALS}.{moment}_{what}"] = tuple(names.split())
    for owner in (Query, queries, MODEL):
        method(_delete, owner, "delete adelete")
    method(lambda call: Query(None, _class_of(call.owner)), _QUERY_SET, "as_manager")
    method(lambda call: call.value(0), _MANAGER, "from_queryset")
    function(lambda call: call.value(0), f"{_MANAGER}.from_queryset")
    method(lambda call: Query(_class_of(call.value(0))), Bound, "query")
    function(_get_model, "django.apps.apps.get_model django.contrib.auth.get_user_model")
    function(_get_object, "django.shortcuts.get_object_or_404")
    function(lambda call: resolve_dotted(call.engine, text_of(call.value(0)) or ""),
             "django.utils.module_loading.import_string")  # fmt: skip
    function(_on_commit, "django.db.transaction.on_commit headrace_django.on_commit")
    registry.exiting[ATOMIC] = _commit
    registry.seeds.update(["on_commit", "atomic"])
    registry.implies(_CREATING, "save asave")


def _class_of(value: Value | None) -> Class | None:
    return value.cls if isinstance(value, Instance | ClassValue) else None


def _related(frame: Context, owner: Value, field: Object) -> Value:
    """Return the other side of a relation; SQLAlchemy's may be an instance or a list."""
    cls = _other_side(frame, owner, field)
    if cls is None:
        return None
    if field.made_by in _RELATIONSHIPS:
        return union(Instance(cls), Items((Instance(cls),)))
    return _many(frame, cls) if field.made_by.endswith("ToManyField") else Instance(cls)


def _other_side(frame: Context, owner: Value, field: Object) -> Class | None:
    to = field.arguments[0] if field.arguments else field.keyword("to") or field.keyword("argument")
    if text_of(to) == "self":
        return _class_of(owner)
    return _class_of(to) or frame.engine.classes.named_after(text_of(to))


def _many(frame: Context, cls: Class) -> Query:
    """Return a query set of `cls`, with the class of its default manager."""
    found = frame.engine.classes.find(cls, "objects")
    manager = None if found is None else frame.engine.names.in_class(found, "objects")
    return Query(cls, manager.own if isinstance(manager, Query) else _class_of(manager))


def _reverse(frame: Context, owner: Value, name: str) -> Value:
    """Return the reverse side of a relation: ``related_name``, or ``order_set``."""
    classes, index = frame.engine.classes, frame.engine.fact(_Reversed)
    if not isinstance(owner, Instance) or not classes.is_a(owner.cls, MODEL):
        return None
    for cls in [] if index else [one for one in classes.all() if not one.module.is_test]:
        for member, ids in cls.names.items():
            match cls.code.definitions[ids[-1]]:
                case ("=", _, ("c", _, _, _, _, named, _), *_):
                    match dict(named).get("related_name"):
                        case ("k", str(related)):
                            index.setdefault(related, []).append((cls, member))
    found, others = index.get(name, []), classes.sources(owner.cls)
    if len(found) > 1:
        fields = [(cls, frame.engine.names.in_class(cls, member)) for cls, member in found]
        found = [(cls, "") for cls, field in fields if isinstance(field, Object)
                 and _other_side(frame, Instance(cls), field) in others]  # fmt: skip
    to = found[0][0] if len(found) == 1 else None
    if to is None and name.endswith("_set"):
        to = classes.named_after(name.removesuffix("_set"))
    return None if to is None else _many(frame, to)


def _send(call: Call, what: str) -> None:
    """Send the signals of saving or deleting."""
    query = isinstance(call.owner, Query)
    cls = call.owner.model if query else _class_of(getattr(call.owner, "receiver", call.owner))
    for moment in ("pre", "post") if cls is not None else ():
        _signals.send(call.frame, f"{_SIGNALS}.{moment}_{what}", cls, call.node)


def _delete(call: Call) -> None:
    first = len(call.frame.opened)
    _send(call, "delete")
    # Django sends these signals in a transaction.
    call.frame.enclose(Object(ATOMIC), line_of(call.node), first)


def _objects(frame: Context, owner: ClassValue, name: str) -> Value | None:
    """Return the query set of a model or document, whichever library defines the manager."""
    if name not in {"objects", "query"}:  # of Django and MongoEngine, of Flask-SQLAlchemy
        return None
    engine, classes = frame.engine, frame.engine.classes
    found = classes.find(owner.cls, name)
    manager = None if found is None else engine.names.in_class(found, name)
    known = classes.sources(manager.cls if isinstance(manager, Instance) else owner.cls)
    bases = [base for one in known for base in classes.bases(one)]
    is_foreign = any(not isinstance(base, ClassValue) for base in bases)
    is_manager = manager is None or isinstance(manager, Query | Instance | Object)
    return _many(frame, owner.cls) if is_foreign and is_manager else None


def _manager(frame: Context, owner: Value, value: Instance) -> Value | None:
    is_manager = frame.engine.classes.is_a(value.cls, _MANAGER, _QUERY_SET)
    return _of_owner(frame, owner, Query(None, value.cls)) if is_manager else None


def _of_owner(frame: Context, owner: Value, value: Query) -> Value:
    cls = _class_of(owner)
    return value if cls is None or value.model is not None else replace(value, model=cls)


def _query_attribute(frame: Context, query: Query, name: str) -> Value:
    if query.own is not None and frame.engine.classes.find(query.own, name) is not None:
        receiver = QueryInstance(query.own, is_exact=True, model=query.model)
        return frame.engine.attributes.get(frame, receiver, name, None)
    return Bound(query, name)


def _query_of(call: Call) -> Query:
    if isinstance(call.owner, Query):
        return call.owner
    receiver = getattr(call.owner, "receiver", call.owner)
    return Query(getattr(receiver, "model", None), _class_of(receiver))


def _object(query: Query) -> Value:
    return None if query.model is None else Instance(query.model)


def _create(call: Call) -> Value:
    query = _query_of(call)
    if query.model is None:
        return None
    made = Instance(query.model, is_exact=True)
    call.frame.hand_over(call.attribute(made, "save"), call.node)
    return Items((made, None)) if call.name.endswith("or_create") else made


def _get_model(call: Call) -> Value:
    names = filter(None, map(text_of, call.arguments))
    cls = call.engine.classes.named_after(".".join(names) or "User")
    return None if cls is None else ClassValue(cls)


def _get_object(call: Call) -> Value:
    given = [_class_of(one) or getattr(one, "model", None) for one in options_of(call.value(0))]
    return union(*[_object(Query(cls)) for cls in given])


def _on_commit(call: Call) -> Value:
    callee = call.value(0, "func")
    call.frame.hand_over(callee, call.node, kind="on_commit")
    return callee if isinstance(callee, FunctionValue | Wrapper) else None


def _commit(frame: Context, events: list[Event]) -> None:
    """Run the ``on_commit`` functions of a block at its end."""
    for event in [one for one in events if one.kind == "on_commit"]:
        frame.emit(event.targets, event.node, event.kind)
