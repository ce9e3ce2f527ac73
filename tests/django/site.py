"""The site of the contract, in Django: views and URLconf."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from tests import sites

TEXT = "text/plain; charset=utf-8"
CONSTANT = {"Content-Type": TEXT}


def text(body: str, **options: Any) -> HttpResponse:
    """Return a response with this body."""
    return HttpResponse(body, content_type=TEXT, **options)


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Note "handler" and show the ID."""
    sites.note("handler")
    return text(sites.shown())


async def show_async(request: HttpRequest) -> HttpResponse:
    """Do the same asynchronously."""
    await asyncio.sleep(0)
    return show(request)


@csrf_exempt
def read_body(request: HttpRequest) -> HttpResponse:
    """Read the whole body."""
    return text(f"{sites.shown()} {len(request.body)}")


def slow(request: HttpRequest) -> HttpResponse:
    """Show the ID, wait, and show it again."""
    before = sites.shown()
    time.sleep(0.02)
    return text(f"{before} {sites.shown()}")


async def slow_async(request: HttpRequest) -> HttpResponse:
    """Do the same asynchronously."""
    before = sites.shown()
    await asyncio.sleep(0.02)
    return text(f"{before} {sites.shown()}")


def refused(request: HttpRequest) -> HttpResponse:
    """Raise what `HandleRefused` answers."""
    raise sites.RefusedError


def broken(request: HttpRequest) -> HttpResponse:
    """Raise what nothing answers."""
    raise sites.BrokenError


def redirect(request: HttpRequest) -> HttpResponse:
    """Redirect."""
    return HttpResponseRedirect("/id")


def stream(body: Callable[[], Any], content_type: str = TEXT) -> Callable[..., Any]:
    """Return a view that streams what `body` returns."""

    def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(body(), content_type=content_type)

    return view


def in_thread(request: HttpRequest) -> HttpResponse:
    """Show what threads see."""
    return text(sites.in_thread())


def own_header(request: HttpRequest) -> HttpResponse:
    """Set headers of our own."""
    response = text(sites.shown())
    for name, value in sites.OWN_HEADERS:
        response[name] = value
    return response


def constant(request: HttpRequest) -> HttpResponse:
    """Answer with one and the same dict of headers."""
    return HttpResponse(sites.shown(), headers=CONSTANT)


def headers(request: HttpRequest) -> HttpResponse:
    """Show the request's headers."""
    return text(sites.headers_seen(request.headers.items()))


def sent_on(request: HttpRequest) -> HttpResponse:
    """Show the ID that a receiver of a message from here has."""
    return text(sites.sent_on())


def deadline(request: HttpRequest) -> HttpResponse:
    """Show how much time is left."""
    return text(sites.time_left())


def metadata(request: HttpRequest) -> HttpResponse:
    """Show what `WriteMetadata` has written."""
    return text(sites.read_metadata())


class SyncMiddleware:
    """Does nothing, and makes what stands around it synchronous."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Do nothing."""
        return self.get_response(request)


class SiteMiddleware:
    """Writes metadata far away from the view that reads it, and answers one exception."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Write."""
        if request.path == "/metadata":
            sites.write_metadata()
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> Any:
        """Answer `RefusedError`."""
        if not isinstance(exception, sites.RefusedError):
            return None
        sites.note("error handler")
        return text(sites.shown(), status=409)


VIEWS: dict[str, Callable[..., Any]] = {
    "id": show,
    "async/id": show_async,
    "body": read_body,
    "slow": slow,
    "error/handled": refused,
    "error/unhandled": broken,
    "redirect": redirect,
    "stream": stream(sites.pieces),
    "async/stream": stream(sites.async_pieces),
    "endless": stream(sites.endless),
    "async/endless": stream(sites.async_endless),
    "events": stream(sites.events, "text/event-stream"),
    "thread": in_thread,
    "own-header": own_header,
    "constant": constant,
    "headers": headers,
    "next": sent_on,
    "deadline": deadline,
    "metadata": metadata,
}


def routes(views: Mapping[str, Callable[..., Any]]) -> list[URLPattern | URLResolver]:
    """Return the site's routes, with `views` in place of its own for the same paths."""
    merged = VIEWS | dict(views)
    nested: URLResolver = path("nested/", include([path("id", merged["id"])]))
    return [nested, *(path(route, view) for route, view in merged.items())]


urlpatterns = routes({})
