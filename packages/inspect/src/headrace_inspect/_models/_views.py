"""Generic views of Django and Django REST framework, their forms and serializers.

Of Django's own views, only the objects, query sets and forms are covered. Inherited members of
views, forms and serializers are recognized by name, whichever framework class is the base.
"""

from __future__ import annotations

from headrace_inspect._evaluate._contexts import Call, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import ClassValue, Instance, Super, Value, options_of, union
from headrace_inspect._symbols._entities import Class

from ._orm import Query

_CREATING = frozenset(["create", "post"])


def register(registry: Registry) -> None:
    """Register this model."""
    for handler, names in (
        (_object, "get_object"),
        (_query, "get_queryset filter_queryset"),
        (_serializer, "get_serializer"),
        (_write, "create post update partial_update put patch"),
        (lambda call: call.run(call.value(0, "serializer"), "save"),
         "perform_create perform_update"),
        (_validate, "is_valid run_validation"),
        (_save, "save"),
    ):  # fmt: skip
        registry.method(handler, "*", names)
    registry.missing.append(_instance)
    registry.finishing.append(_pass_forms)
    writing = "create post update partial_update put patch"
    for names, called in (
        ("get_object", "get_queryset"),
        ("get_serializer", "get_serializer_class"),
        (writing, "is_valid validate get_serializer_class perform_create perform_update save"),
        ("is_valid run_validation", "validate"),
        ("save perform_create perform_update", "create update save"),
    ):
        registry.implies(names, called)


def _own(call: Call) -> Instance | None:
    owner = call.owner.receiver if isinstance(call.owner, Super) else call.owner
    return owner if isinstance(owner, Instance) else None


def _member(call: Call, name: str) -> Value:
    """Return a member of the object that the source defines, or None."""
    owner = _own(call)
    return call.attribute(owner, name) if call.engine.classes.defines(owner, name) else None


def _query(call: Call) -> Value:
    value = _member(call, "queryset") or _member(call, "model")
    return Query(value.cls) if isinstance(value, ClassValue) else value


def _object(call: Call) -> Value:
    view = _own(call)
    return None if view is None else call.element(call.run(view, "get_queryset"))


def _serializer(call: Call) -> Value:
    """Return the serializer of a view, from ``serializer_class`` or ``get_serializer_class``."""
    method, classes = _member(call, "get_serializer_class"), _member(call, "serializer_class")
    if method is not None:
        classes = union(call.frame.call(method, call.node), classes)
    found = [one for one in options_of(classes) if isinstance(one, ClassValue)]
    return union(*[call.frame.call(one, call.node, call.arguments, call.keywords) for one in found])


def _write(call: Call) -> Value:
    """Evaluate the create and update actions of a generic view."""
    view, model = _own(call), _model_of(call)
    if model is not None:  # a serializer: it saves an object
        call.run(model, "save")
        return model
    serializer = None if view is None else call.run(view, "get_serializer")
    if serializer is not None:
        call.run(serializer, "is_valid")
        name = "perform_create" if call.name in _CREATING else "perform_update"
        call.run(view, name, serializer)
    return None


def _validate(call: Call) -> Value:
    serializer = _own(call)
    for cls in [] if serializer is None else call.engine.classes.sources(serializer.cls):
        for name in cls.names:
            if name == "validate" or name.startswith("validate_"):
                call.frame.call(_member(call, name), call.node)
    return None


def _save(call: Call) -> Value:
    """Create or update an object; the framework's own methods also save it."""
    model = _model_of(call)
    methods = [one for one in (_member(call, "create"), _member(call, "update")) if one is not None]
    results = [call.frame.call(method, call.node) for method in methods]
    if not methods and model is not None:
        call.run(model, "save")
    return union(*results, model)


def _model_of(call: Call) -> Instance | None:
    owner = _own(call)
    return None if owner is None else _model_in_meta(call.engine, owner.cls)


def _model_in_meta(engine: Engine, cls: Class) -> Instance | None:
    """Return an instance of the model that a form or serializer names in ``Meta``."""
    meta = _named_in(engine, cls, "Meta")
    return None if meta is None else _instance_of(_named_in(engine, meta.cls, "model"))


def _named_in(engine: Engine, cls: Class, name: str) -> ClassValue | None:
    """Return the class that is the member `name` of a class, or None."""
    found = engine.classes.find(cls, name)
    value = None if found is None else engine.names.in_class(found, name)
    return value if isinstance(value, ClassValue) else None


def _instance_of(value: ClassValue | None) -> Instance | None:
    return None if value is None else Instance(value.cls)


# --- Django's forms -------------------------------------------------------------------------------


def _instance(frame: Context, owner: Value, name: str) -> Value:
    """Return the object of a generic view, or the instance of a form or serializer."""
    if not isinstance(owner, Instance) or name not in {"object", "instance"}:
        return None
    form = owner.cls if name == "instance" else None
    if form is None:
        model = _named_in(frame.engine, owner.cls, "model")
        value = _named_in(frame.engine, owner.cls, "form_class")
        if model is not None or value is None:
            return _instance_of(model)
        form = value.cls
    return _model_in_meta(frame.engine, form)


def _pass_forms(engine: Engine) -> None:
    """Pass the form of a view to its ``form_valid``."""
    for cls in engine.classes.all():
        form = _named_in(engine, cls, "form_class")
        method = engine.classes.method(cls, "form_valid")
        if form is not None and method is not None:
            for name, *_ in method.parameters[1:2]:
                engine.store.put(("parameter", method, name), Instance(form.cls))
