"""FastAPI, Starlette and Flask: background tasks, lifespans, and the routes of `_routes`."""

from __future__ import annotations

from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import UNKNOWN, Object, Value

from . import _routes

_BACKGROUND = "starlette.background.BackgroundTasks"


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.alias(_BACKGROUND, "fastapi.BackgroundTasks", "fastapi.background.BackgroundTasks")
    registry.method(_BACKGROUND, "add_task")(_add_task)
    registry.function("starlette.background.BackgroundTask")(_background_task)
    _routes.register(registry)


def _add_task(call: Call) -> Value:
    callee = call.get(0, "func") or UNKNOWN
    call.frame.engine.hand_over(call.frame, callee, call.rest(1), call.keywords, call.node, "call")
    return UNKNOWN


def _background_task(call: Call) -> Value:
    _add_task(call)
    return Object("starlette.background.BackgroundTask")
