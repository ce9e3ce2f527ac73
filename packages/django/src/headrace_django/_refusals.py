"""Responses to requests whose correlation ID is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse

from headrace.integration import REFUSAL, REFUSAL_STATUS, REFUSAL_TYPE, REFUSED_KEY

if TYPE_CHECKING:
    from django.http import HttpRequest


def refuse(request: HttpRequest) -> HttpResponse:
    """Return the response to a rejected request."""
    return HttpResponse(REFUSAL, status=REFUSAL_STATUS, content_type=REFUSAL_TYPE)


def refuse_view(request: HttpRequest, *_: Any) -> HttpResponse | None:
    """Reject a request in place of its view, and so inside the CORS middleware.

    Only with that middleware's headers can a browser read the response.
    """
    return refuse(request) if request.META.pop(REFUSED_KEY, False) else None


async def refuse_view_async(request: HttpRequest, *_: Any) -> HttpResponse | None:
    """Do the same in an async stack."""
    return refuse_view(request)


def has_cors() -> bool:
    """Tell whether the project has a CORS middleware, by its name."""
    return any("cors" in path.lower() for path in settings.MIDDLEWARE)


async def refuse_async(request: HttpRequest) -> HttpResponse:
    """Do the same in an async stack."""
    return refuse(request)
