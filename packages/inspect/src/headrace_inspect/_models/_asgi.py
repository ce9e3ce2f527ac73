"""FastAPI, Starlette and Flask: background tasks, and the routes of `_routes`."""

from __future__ import annotations

from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import Object, Value

from . import _routes

_TASK = "starlette.background.BackgroundTask"
_TASKS = "starlette.background.BackgroundTasks"


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.alias(_TASKS, "fastapi.BackgroundTasks fastapi.background.BackgroundTasks")
    registry.method(_add_task, _TASKS, "add_task")
    registry.function(_add_task, _TASK)
    _routes.register(registry)


def _add_task(call: Call) -> Value:
    call.frame.hand_over(call.value(0, "func"), call.node, call.rest(1), call.keywords)
    return Object(_TASK)
