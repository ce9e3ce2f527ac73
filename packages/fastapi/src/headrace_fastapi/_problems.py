"""Responses to the errors of chains: problem details (RFC 9457) with the correlation ID."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from headrace import ChainError, DeadlineExceededError, ValidationFailedError, current_flow_id
from headrace.integration import without_secrets

from ._app import check_not_started

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"

_STATUSES: list[tuple[type[ChainError], int]] = [
    (ValidationFailedError, 422),
    (DeadlineExceededError, 504),
    (ChainError, 500),
]
_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "step": {"type": "string"},
        "correlation_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "correlation_id"],
}


class ProblemResponse(JSONResponse):
    """A response with problem details."""

    media_type = MEDIA_TYPE


def chain_error_handlers(app: Starlette) -> None:
    """Make `app` respond to the errors of chains with problem details (RFC 9457).

    The status is 422, with the reason, if a `validate` rejected a result; 504 if a deadline was
    exceeded; 500 for a failed step and any other `ChainError`. With 504 and 500, the response
    contains only the step and the correlation ID, since the chain has logged the error. Your own
    handlers for these errors take precedence.

    Args:
        app: the FastAPI or Starlette application, before it starts.

    Raises:
        RuntimeError: the application has started.
    """
    check_not_started(app, "chain_error_handlers()")
    app.exception_handlers.setdefault(ChainError, _respond)


def chain_responses(header: str = "X-Correlation-ID") -> dict[int | str, dict[str, Any]]:
    """Return the responses of `chain_error_handlers`, for a path operation's OpenAPI document.

    With ``@app.post("/orders", responses=chain_responses())``, the operation documents the three
    errors, and the correlation header for these and for 200.

    Args:
        header: the header that carries the correlation ID.
    """
    headers = {header: {"description": "The correlation ID.", "schema": {"type": "string"}}}
    errors: dict[int | str, dict[str, Any]] = {
        status: {
            "description": HTTPStatus(status).phrase,
            "headers": headers,
            "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
        }
        for _, status in _STATUSES
    }
    errors[422]["content"] |= {"application/json": {"schema": _invalid_input()}}
    return {200: {"headers": headers}, **errors}


def _invalid_input() -> dict[str, Any]:
    """Return the schema of FastAPI's own response to invalid input.

    FastAPI adds it to the document only if the operation does not describe 422 itself.
    """
    from fastapi.openapi.utils import validation_error_definition

    detail = {"title": "Detail", "type": "array", "items": validation_error_definition}
    return {"title": "HTTPValidationError", "type": "object", "properties": {"detail": detail}}


async def _respond(request: Request, exc: Exception) -> ProblemResponse:
    status = next(status for kind, status in _STATUSES if isinstance(exc, kind))
    step: str = getattr(exc, "step", "")
    result = getattr(exc, "result", None)
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _detail(exc, status, step),
        # On an excluded path, the only unit was the chain's own, which has ended.
        "correlation_id": current_flow_id() or getattr(result, "correlation_id", None),
    }
    return ProblemResponse(problem | ({"step": step} if step else {}), status)


def _detail(exc: Exception, status: int, step: str) -> str:
    if isinstance(exc, ValidationFailedError):
        # The reason begins with the error's type, which does not concern the client.
        cause = without_secrets(exc).__cause__
        return exc.reason if cause is None else str(cause)
    where = f"step {step!r}" if step else "the chain"
    return f"{where} ran out of time" if status == 504 else f"{where} failed"
