"""What libraries call of the classes that inherit from theirs: hooks, and overridden methods."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._values import ClassValue, Instance, SuperValue, Value

from ._classes import frameworks_of
from ._nodes import Hub

if TYPE_CHECKING:
    from ._engine import Engine
    from ._frame import Frame


def call_inherited(frame: Frame, receiver: Value, called: str, node: ast.AST) -> None:
    """Let the method `called`, which `receiver` inherits from a library, call others of its own.

    It calls neither itself nor the method in which it is called, but what else it likes.
    """
    if isinstance(receiver, SuperValue):
        receiver = receiver.receiver
    if frame.is_recorded and isinstance(receiver, Instance | ClassValue):
        cls = receiver.cls
        bases = frameworks_of(frame.engine, cls)
        if bases and not _calls_nothing(bases, called):
            is_exact = isinstance(receiver, ClassValue) or receiver.exact
            around = getattr(frame.scope, "name", "")
            how = "hooks" if is_exact else "heirs"
            if how == "heirs" and _has_many_methods(frame.engine, cls):
                around = ""  # one set for them all, and not one for each
            frame.maybe(Hub(how, f"{called} {around}", cls), node)


def super_in(node: ast.AST) -> ast.expr | None:
    """Return the ``super()`` in a call of a method of it, or None if `node` is none."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")) as owner)):
            return owner
    return None


def use_methods(frame: Frame, instance: Instance, node: ast.AST) -> None:
    """Let a library that is given `instance` call any of its methods."""
    around = getattr(frame.scope, "name", "")
    how = "hooks" if instance.exact else "heirs"
    frame.maybe(Hub(how, f"__call__ {around}", instance.cls), node)


def called_by(engine: Engine, hub: Hub) -> Iterator[tuple[Class, str]]:
    """Yield the classes and methods that `hub` chooses from; see `call_inherited`."""
    cls = hub.cls
    if cls is None:
        return
    called, _, around = hub.name.partition(" ")
    heirs = [cls]
    if hub.how == "heirs":
        heirs += engine.heirs(cls)
    for heir in heirs:
        bases = frameworks_of(engine, heir)
        for name in engine.methods(heir):
            is_relevant = name in engine.relevant and name not in {called, around}
            if is_relevant and _is_hook(bases, name, called):
                yield heir, name


def called_anytime(engine: Engine) -> Iterator[tuple[Class, str]]:
    """Yield the classes and methods that a library calls where no call shows that it may."""
    for cls in list(engine.mros):
        patterns = [
            pattern
            for base in engine.mro(cls)
            for start, end, pattern in _ANYTIME
            if isinstance(base, str) and base.startswith(start) and base.endswith(end)
        ]
        for name in engine.methods(cls) if patterns else ():
            if any(pattern.fullmatch(name) for pattern in patterns):
                yield cls, name


def inherited_hooks(engine: Engine, cls: Class) -> Iterator[str]:
    """Yield the methods of `cls` from bases of the source that have none of a library."""
    bases = frameworks_of(engine, cls)
    for name, function in engine.methods(cls).items() if bases else ():
        owner = function.owner
        is_foreign = owner is not None and owner is not cls and not frameworks_of(engine, owner)
        if is_foreign and may_call(bases, function):
            yield name


def may_call(bases: list[str], function: Function) -> bool:
    """Tell whether libraries call `function`, a method of a class with these bases of theirs."""
    return any(base not in _HOOKS or function.name in _HOOKS[base] for base in bases)


def _has_many_methods(engine: Engine, cls: Class) -> bool:
    return sum(len(engine.methods(one)) for one in [cls, *engine.heirs(cls)]) > _MOST_METHODS


def _calls_nothing(bases: list[str], called: str) -> bool:
    """Tell whether `called` is known to call nothing of the class."""
    return all(base.startswith("celery.") for base in bases) and called not in _RUNNING


def _is_hook(bases: list[str], name: str, called: str) -> bool:
    """Tell whether the method `called` of a class with these bases may call the method `name`."""
    if called in _RUNNING or not all(base.startswith(_KNOWN) for base in bases):
        return True
    return _NAMED.fullmatch(name) is not None


_MOST_METHODS = 500
# These call whatever the class is there for, such as the method for a verb.
_RUNNING = frozenset([
    "__call__",
    "apply",
    "apply_async",
    "as_view",
    "delay",
    "dispatch",
    "dispatch_request",
    "execute",
    "run",
    "run_from_argv",
    "start",
])
_KNOWN = ("django.", "rest_framework.", "celery.", "flask.")
# How the methods are called that Django and its framework for APIs let be overridden, but for
# those that are called for a request.
_NAMED = re.compile(
    r"(get|clean|validate|perform|form|to|has|check|filter|paginate|initial|initialize|finalize"
    r"|handle|render|save|delete|add|process|log|response|formfield|changelist|lookup|permission"
    r"|is|db|from|pre|post|value|construct|allow|authenticate|run|determine|test|raise|prepare"
    r"|a?full|after|before|on)_\w+"
    r"|clean|validate|save|delete|asave|adelete|create|update|setup|queryset|throttled|__\w+__"
)
_VIEW = frozenset([
    "delete",
    "dispatch",
    "dispatch_request",
    "get",
    "head",
    "http_method_not_allowed",
    "options",
    "patch",
    "post",
    "put",
    "setup",
    "trace",
])
_OF_ENUMS = frozenset(["_generate_next_value_", "_missing_"])
# What the libraries themselves call of a class's methods; of other bases, anything.
_HOOKS = {
    "django.db.models.Model": frozenset(["clean", "clean_fields", "delete", "full_clean", "save"]),
    "django.apps.AppConfig": frozenset(["ready"]),
    "django.core.management.base.BaseCommand": frozenset(["add_arguments", "handle"]),
    "django.views.View": _VIEW,
    "django.views.generic.View": _VIEW,
    "django.views.generic.base.View": _VIEW,
    "flask.views.MethodView": _VIEW,
    "flask.views.View": _VIEW,
    "enum.Enum": _OF_ENUMS,
    "enum.IntEnum": _OF_ENUMS,
    "enum.StrEnum": _OF_ENUMS,
    "pydantic.BaseModel": frozenset(["model_post_init"]),
    "threading.Thread": frozenset(["run"]),
}
_DATA = re.compile(r"(clean|validate|get|to|run|from)_\w+|clean|validate|full_clean|is_valid")
# The beginning and the end of a base's name, and the methods that run without being called: with
# the data of another class of which they are a part, or with a task.
_ANYTIME = [
    ("django.", "Form", _DATA),
    ("django.", "FormSet", _DATA),
    ("django.", "Field", _DATA),
    ("django.", "Manager", re.compile(r"get_queryset")),
    ("django.", ".Model", re.compile(r"clean\w*|full_clean|validate_\w+|from_db|refresh_from_db")),
    ("rest_framework.", "Serializer", _DATA),
    ("rest_framework.", "Field", _DATA),
    ("celery.", "Task", re.compile(r"before_start|on_\w+|after_return|apply_async|delay|apply")),
    ("pydantic", "", re.compile(r"model_\w+|validate\w*")),
    ("marshmallow.", "Schema", re.compile(r"get_\w+|handle_error|on_bind_field")),
    ("wtforms.", "", re.compile(r"validate\w*|process\w*|pre_validate|post_validate")),
    ("flask_wtf.", "", re.compile(r"validate\w*")),
]
