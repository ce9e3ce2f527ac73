"""The site of the contract, with what Django REST framework can serve served by it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.renderers import StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tests import sites
from tests.django.site import TEXT, routes


@api_view(["GET", "HEAD"])
@renderer_classes([StaticHTMLRenderer])
def show(request: Request) -> Response:
    sites.note("handler")
    return Response(sites.shown())


@api_view(["POST"])
@renderer_classes([StaticHTMLRenderer])
def read_body(request: Request) -> Response:
    return Response(f"{sites.shown()} {len(request.body)}")


@api_view(["GET"])
def refuse(request: Request) -> Response:
    raise sites.RefusedError


@api_view(["GET"])
def fail(request: Request) -> Response:
    raise sites.BrokenError


@api_view(["GET"])
def stream(request: Request) -> StreamingHttpResponse:
    return StreamingHttpResponse(sites.pieces(), content_type=TEXT)


@api_view(["GET"])
def metadata(request: Request) -> HttpResponse:
    return HttpResponse(sites.read_metadata())


VIEWS: dict[str, Any] = {
    "id": show,
    "body": read_body,
    "error/handled": refuse,
    "error/unhandled": fail,
    "stream": stream,
    "metadata": metadata,
}
urlpatterns = routes(VIEWS)
