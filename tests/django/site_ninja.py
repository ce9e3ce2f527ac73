"""The site of the contract, with what Django Ninja can serve served by it."""

from __future__ import annotations

import asyncio
import time

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from ninja import NinjaAPI

from tests import sites
from tests.django.site import TEXT, VIEWS, text

api = NinjaAPI(urls_namespace="site", docs_url=None, openapi_url=None)


@api.api_operation(["GET", "HEAD"], "/id")
def show(request: HttpRequest) -> HttpResponse:
    sites.note("handler")
    return text(sites.shown())


@api.get("/async/id")
async def show_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return show(request)


@api.post("/body")
def read_body(request: HttpRequest) -> HttpResponse:
    return text(f"{sites.shown()} {len(request.body)}")


@api.get("/slow")
def slow(request: HttpRequest) -> HttpResponse:
    before = sites.shown()
    time.sleep(0.02)
    return text(f"{before} {sites.shown()}")


@api.exception_handler(sites.RefusedError)
def answer(request: HttpRequest, error: sites.RefusedError) -> HttpResponse:
    sites.note("error handler")
    return text(sites.shown(), status=409)


@api.get("/error/handled")
def refuse(request: HttpRequest) -> None:
    raise sites.RefusedError


@api.get("/error/unhandled")
def fail(request: HttpRequest) -> None:
    raise sites.BrokenError


@api.get("/stream")
def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(sites.pieces(), content_type=TEXT)


@api.get("/metadata")
def metadata(request: HttpRequest) -> HttpResponse:
    return text(sites.read_metadata())


urlpatterns = [
    path("", api.urls),
    path("nested/", include([path("id", VIEWS["id"])])),
    *(path(route, view) for route, view in VIEWS.items()),
]
