"""Discovery of flows, which imports the task modules of an app as its worker would."""

from __future__ import annotations

from weakref import WeakSet

from celery import Celery

from headrace.integration import register_discovery

_apps: WeakSet[Celery] = WeakSet()


def discover_tasks_of(app: Celery) -> None:
    """Import the task modules of `app` before flows are listed, drawn or checked."""
    _apps.add(app)
    register_discovery(_import_tasks)


def _import_tasks() -> None:
    for app in sorted(_apps, key=lambda app: str(app.main)):
        app.loader.import_default_modules()
