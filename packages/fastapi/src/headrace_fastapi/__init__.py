"""headrace for FastAPI and Starlette: every request and error page under one correlation ID.

It imports with Starlette alone; the names that need FastAPI import it at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException, WebSocketException

from headrace.asgi import FlowMiddleware
from headrace.integration import register_control_flow

from ._app import init_app

if TYPE_CHECKING:
    from ._dependencies import CurrentFlow, FlowId

__all__ = ["CurrentFlow", "FlowId", "FlowMiddleware", "init_app"]

_FROM_FASTAPI = {"CurrentFlow": "_dependencies", "FlowId": "_dependencies"}

register_control_flow(HTTPException, WebSocketException)


def __getattr__(name: str) -> Any:
    if name not in _FROM_FASTAPI:
        raise AttributeError(f"module 'headrace_fastapi' has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"headrace_fastapi.{_FROM_FASTAPI[name]}")
    except ModuleNotFoundError as error:
        if error.name != "fastapi":
            raise
        raise ImportError(
            f"headrace_fastapi.{name} needs FastAPI, which is not installed: "
            f"pip install fastapi (init_app and FlowMiddleware work with Starlette alone)"
        ) from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
