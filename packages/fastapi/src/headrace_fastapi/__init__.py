"""headrace for FastAPI and Starlette: every request and error page under one correlation ID.

Importing it needs only Starlette; FastAPI is imported with the first name that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException, WebSocketException

from headrace.integration import register_control_flow

from ._app import FlowMiddleware, init_app

if TYPE_CHECKING:
    from ._chains import run_chain
    from ._dependencies import CurrentFlow, FlowId
    from ._problems import chain_error_handlers, chain_responses

__all__ = [
    "CurrentFlow",
    "FlowId",
    "FlowMiddleware",
    "chain_error_handlers",
    "chain_responses",
    "init_app",
    "run_chain",
]

# Imported on first use, since they need FastAPI or the chains.
_LAZY = {
    "CurrentFlow": "_dependencies",
    "FlowId": "_dependencies",
    "chain_error_handlers": "_problems",
    "chain_responses": "_problems",
    "run_chain": "_chains",
}

register_control_flow(HTTPException, WebSocketException)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'headrace_fastapi' has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"headrace_fastapi.{_LAZY[name]}")
    except ModuleNotFoundError as error:
        if error.name != "fastapi":
            raise
        raise ImportError(
            f"headrace_fastapi.{name} needs FastAPI, which is not installed: "
            f"pip install fastapi (init_app and FlowMiddleware need only Starlette)"
        ) from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
