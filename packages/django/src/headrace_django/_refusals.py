"""Responses to requests whose correlation ID is rejected.

If the project has a CORS middleware, the response replaces the view's, inside that middleware: a
browser can read it only with that middleware's headers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse

from headrace.integration import REFUSAL, REFUSAL_STATUS, REFUSAL_TYPE, REFUSED_KEY

if TYPE_CHECKING:
    from django.http import HttpRequest

Handler = Callable[["HttpRequest"], Any]


def has_cors() -> bool:
    """Return whether ``MIDDLEWARE`` lists a CORS middleware, judging by the name."""
    return any("cors" in path.lower() for path in settings.MIDDLEWARE)


def refuse(request: HttpRequest) -> HttpResponse:
    """Return the response to a rejected request."""
    return HttpResponse(REFUSAL, status=REFUSAL_STATUS, content_type=REFUSAL_TYPE)


async def refuse_async(request: HttpRequest) -> HttpResponse:
    """Return the response to a rejected request in an async stack."""
    return refuse(request)


def refuse_view(request: HttpRequest, *_: Any) -> HttpResponse | None:
    """Reject a marked request instead of calling its view, as `process_view`."""
    return refuse(request) if request.META.pop(REFUSED_KEY, False) else None


async def refuse_view_async(request: HttpRequest, *_: Any) -> HttpResponse | None:
    """Reject a marked request instead of calling its async view, as `process_view`."""
    return refuse_view(request)


def leave_to_view(get_response: Handler, *, is_async: bool) -> Handler:
    """Return a handler that leaves the rejection of a request to `refuse_view`."""

    def mark(request: HttpRequest) -> Any:
        request.META[REFUSED_KEY] = True
        return get_response(request)

    def rejected(request: HttpRequest, response: Any) -> Any:
        # The mark is still there if another middleware responded before the view.
        return refuse(request) if REFUSED_KEY in request.META else response

    async def handle_async(request: HttpRequest) -> Any:
        return rejected(request, await mark(request))

    def handle(request: HttpRequest) -> Any:
        return rejected(request, mark(request))

    return handle_async if is_async else handle
