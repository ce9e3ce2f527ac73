"""Django REST framework: generic views and their serializers.

Of Django's own generic views, only the object and query set look-ups are covered. Inherited members
of views and serializers are recognized by name, whichever framework class is the base.
"""

from __future__ import annotations

from headrace_inspect._evaluate._contexts import Call
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    ClassValue,
    Instance,
    Super,
    Value,
    options_of,
    union,
)
from headrace_inspect._symbols._entities import Class

from ._django import Query

_CREATING = frozenset(["create", "post"])
_CHANGING = frozenset(["update", "partial_update", "put", "patch"])


def register(registry: Registry) -> None:
    """Register this model."""
    method = registry.method
    method(_object, "*", "get_object")
    method(_query, "*", "get_queryset filter_queryset")
    method(_serializer, "*", "get_serializer")
    method(_write, "*", "create post update partial_update put patch")
    method(_save, "*", "perform_create perform_update")
    method(_validate, "*", "is_valid run_validation")
    method(_save_serializer, "*", "save")


def _own(call: Call) -> Instance | None:
    owner = call.owner.receiver if isinstance(call.owner, Super) else call.owner
    return owner if isinstance(owner, Instance) else None


def _member(call: Call, owner: Instance | None, name: str) -> Value:
    """Return a member that the source defines for an object, or None."""
    if owner is None or call.frame.engine.classes.find(owner.cls, name) is None:
        return None
    return call.frame.engine.attributes.get(call.frame, owner, name, call.node)


# --- views ----------------------------------------------------------------------------------------


def _query(call: Call) -> Value:
    view = _own(call)
    for name in ("queryset", "model"):
        value = _member(call, view, name)
        if value is not None:
            return Query(value.cls) if isinstance(value, ClassValue) else value
    return None


def _object(call: Call) -> Value:
    view = _own(call)
    given = _member(call, view, "get_queryset")
    found = _query(call) if given is None else call.frame.call(given, call.node)
    return call.frame.engine.element(call.frame, found)


def _serializer(call: Call) -> Value:
    """Return the serializer of a view, from ``serializer_class`` or ``get_serializer_class``."""
    view = _own(call)
    method = _member(call, view, "get_serializer_class")
    classes = _member(call, view, "serializer_class")
    if method is not None:
        classes = union(call.frame.call(method, call.node), classes)
    found = [one for one in options_of(classes) if isinstance(one, ClassValue)]
    made = [call.frame.call(one, call.node, call.arguments, call.keywords) for one in found]
    return union(*made)


def _write(call: Call) -> Value:
    """Evaluate the create and update actions of a generic view."""
    view = _own(call)
    model = None if view is None else _model_of(call, view.cls)
    if model is not None:  # a serializer: it saves an object
        save = call.frame.engine.attributes.get(call.frame, model, "save", call.node)
        call.frame.call(save, call.node)
        return model
    method = _member(call, view, "get_serializer")
    serializer = _serializer(call) if method is None else call.frame.call(method, call.node)
    if serializer is None:
        return None
    attributes = call.frame.engine.attributes
    is_valid = attributes.get(call.frame, serializer, "is_valid", call.node)
    call.frame.call(is_valid, call.node)
    name = "perform_create" if call.name in _CREATING else "perform_update"
    perform = _member(call, view, name)
    if perform is None:
        perform = attributes.get(call.frame, serializer, "save", call.node)
        call.frame.call(perform, call.node)
    else:
        call.frame.call(perform, call.node, (serializer,))
    return None


def _save(call: Call) -> Value:
    serializer = call.value(0, "serializer")
    save = call.frame.engine.attributes.get(call.frame, serializer, "save", call.node)
    return call.frame.call(save, call.node)


# --- serializers ----------------------------------------------------------------------------------


def _validate(call: Call) -> Value:
    serializer = _own(call)
    for cls in [] if serializer is None else call.frame.engine.classes.sources(serializer.cls):
        for name in cls.members:
            if name == "validate" or name.startswith("validate_"):
                call.frame.call(_member(call, serializer, name), call.node)
    return None


def _save_serializer(call: Call) -> Value:
    """Create or update an object; the framework's own methods also save it."""
    serializer, results = _own(call), list[Value]()
    model = None if serializer is None else _model_of(call, serializer.cls)
    for name in ("create", "update"):
        method = _member(call, serializer, name)
        if method is not None:
            results.append(call.frame.call(method, call.node))
    if not results and model is not None:
        save = call.frame.engine.attributes.get(call.frame, model, "save", call.node)
        call.frame.call(save, call.node)
    return union(*results, model)


def _model_of(call: Call, cls: Class) -> Instance | None:
    engine = call.frame.engine
    found = engine.classes.find(cls, "Meta")
    if found is None or not isinstance(found[1], Class) or "model" not in found[1].members:
        return None
    model = engine.names.in_class(found[1], "model")
    return Instance(model.cls) if isinstance(model, ClassValue) else None
