"""Examines live objects: settings, applications and receivers of this process.

Imports no framework: the application does not use what it has not imported. Classes are recognised
by name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .applications import KINDS, STARLETTE, Kind
from .celery_workers import NO_DJANGO_RECEIVER, NO_RECEIVER, NO_TASK_FORMAT
from .django_settings import MIDDLEWARE, NO_APP, NO_MIDDLEWARE, NOT_FIRST, SKIPPED, TWICE
from .findings import Finding, Report
from .living_logs import LOG_FINDINGS, examine_handlers
from .log_dicts import shows_id

_CLASSES = {name: kind for kind in KINDS for name in kind.classes}
_DECIDED = frozenset({
    *(*LOG_FINDINGS, NO_APP.name, NO_MIDDLEWARE.name, NO_RECEIVER.name, "middleware-order"),
    *(kind.missing().name for kind in KINDS),
})
_INNER = ("app", "wsgi_app", "application", "asgi_app", "__wrapped__", "__func__")


def examine_living(folder: Path) -> Report:
    """Return the missing or broken set-up of the applications in this process.

    Args:
        folder: the folder of the project; the applications are the objects in its modules.
    """
    report = Report(decided=_DECIDED)
    apps = dict(_applications(folder))
    mounted = {id(inner) for app in apps.values() for inner in _mounted(app)}
    for place, app in apps.items():
        kind = kind_of(app)
        report.seen.append(f"{kind.title} ({place})")
        if id(app) not in mounted:
            report.findings += _application(kind, place, app)
    if settings := django_settings():
        report.seen.append("Django (its settings)")
        report.findings += examine_django_settings(settings)
    celery = [app for app in apps.values() if kind_of(app).title == "Celery"]
    if celery:
        report.findings += _celery_logging(celery[0])
    if len(celery) < len(apps) or settings or not apps:
        report.findings += examine_handlers()
    if not report.seen:
        report.problems.append(
            f"there is no application in the modules of {folder.name or folder}; name the module "
            "that creates it"
        )
    return report


def django_settings() -> Any:
    """Return Django's settings if this process has set them up, or None."""
    conf = sys.modules.get("django.conf")
    settings = getattr(conf, "settings", None)
    return settings if getattr(settings, "configured", False) else None


def kind_of(value: object) -> Kind:
    """Return the framework of an application.

    Raises:
        KeyError: `value` is not an application.
    """
    for base in type(value).__mro__:
        kind = _CLASSES.get(f"{base.__module__}.{base.__qualname__}")
        if kind is not None:
            return kind
    raise KeyError(value)


def _applications(folder: Path) -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or not Path(file).is_relative_to(folder) or "site-packages" in file:
            continue
        for attribute, value in list(vars(module).items()):
            try:
                kind_of(value)
            except KeyError:
                continue
            if id(value) not in seen:
                seen.add(id(value))
                yield f"{name}:{attribute}", value


def _mounted(app: Any) -> Iterator[Any]:
    """Yield the applications mounted in `app`, and those that they wrap."""
    for route in getattr(app, "routes", None) or ():
        inner = getattr(route, "app", None)
        for _ in range(10):
            if inner is None:
                break
            yield inner
            inner = getattr(inner, "app", None)


def _application(kind: Kind, place: str, app: Any) -> Iterator[Finding]:
    is_set_up = _receivers("task_prerun") if kind.title == "Celery" else _is_wrapped(app)
    if not is_set_up:
        yield kind.missing(place.rpartition(":")[2], place)
        return
    listed = [
        (getattr(each, "cls", None), getattr(each, "kwargs", {}))
        for each in getattr(app, "user_middleware", ())
    ]
    if any(_is_ours(cls) and "on_invalid" in options for cls, options in listed):
        listed = [each for each in listed if "cors" not in str(each[0]).lower()]
    ours = [number for number, (cls, _) in enumerate(listed) if _is_ours(cls)]
    if ours and ours[0] != 0 and not _is_ours(getattr(app, "build_middleware_stack", None)):
        message = f"FlowMiddleware is not the outermost middleware of {place}"
        add = STARLETTE.lines(place.rpartition(":")[2])
        yield Finding("", 0, "middleware-order", message, add, "instead of listing it")


def _is_wrapped(app: Any) -> bool:
    """Return whether our middleware is around an application, or inside it at its edge."""
    edges = [getattr(app, name, None) for name in ("build_middleware_stack", "middleware_stack")]
    edges += [getattr(app, name, None) for name in ("wsgi_app", "asgi_app")]
    edges += [getattr(each, "cls", None) for each in getattr(app, "user_middleware", ())]
    return any(_is_ours(edge) for edge in edges)


def _is_ours(edge: Any) -> bool:
    """Return whether `edge`, or something that it wraps, is from headrace."""
    for _ in range(20):
        if edge is None:
            return False
        owner = edge if isinstance(edge, type) or hasattr(edge, "__code__") else type(edge)
        bases = owner.__mro__ if isinstance(owner, type) else (owner,)
        if any(getattr(base, "__module__", "").startswith("headrace") for base in bases):
            return True
        if isinstance(edge, type):
            return False
        edge = next((vars_of(edge)[name] for name in _INNER if name in vars_of(edge)), None)
    return False


def vars_of(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, and the function of a bound method."""
    found = dict(getattr(value, "__dict__", {}))
    function = getattr(value, "__func__", None)
    return found if function is None else found | {"__func__": function}


def _receivers(signal: str) -> list[Any]:
    """Return the receivers of one of Celery's signals: ours, or those of the project."""
    signals = sys.modules.get("celery.signals")
    receivers = [one for _, one in getattr(getattr(signals, signal, None), "receivers", ())]
    if signal != "task_prerun":
        return receivers
    return [one for one in receivers if getattr(one, "__module__", "") == "headrace_celery._run"]


def _celery_logging(app: Any) -> Iterator[Finding]:
    has_tasks = any(not name.startswith("celery.") for name in app.tasks)
    if not has_tasks or _receivers("setup_logging") or not app.conf.worker_hijack_root_logger:
        return
    shown = [shows_id(str(app.conf[f"worker_{word}log_format"])) for word in ("", "task_")]
    if not shown[0]:
        yield NO_DJANGO_RECEIVER if django_settings() else NO_RECEIVER
    elif not shown[1]:
        yield NO_TASK_FORMAT


def examine_django_settings(settings: Any) -> Iterator[Finding]:
    """Yield what Django's settings in this process lack."""
    if "headrace_django" not in sys.modules or not _is_installed():
        yield NO_APP
    paths = [path for path in settings.MIDDLEWARE if not path.startswith(SKIPPED)]
    places = [number for number, path in enumerate(paths) if _is_middleware(path)]
    if not places:
        yield NO_MIDDLEWARE
    elif places[0] != 0:
        yield NOT_FIRST
    elif len(places) > 1:
        yield TWICE


def _is_installed() -> bool:
    registry = getattr(sys.modules.get("django.apps"), "apps", None)
    return bool(registry is not None and registry.is_installed("headrace_django"))


def _is_middleware(path: str) -> bool:
    module, _, name = path.rpartition(".")
    return path == MIDDLEWARE or _is_ours(getattr(sys.modules.get(module), name, None))
