"""The routes of `tests.tracing.django_settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from tests.tracing.work import carrier, fail, health, stream, work

if TYPE_CHECKING:
    from django.http import HttpRequest


def item(request: HttpRequest, number: int) -> HttpResponse:
    work()
    return JsonResponse(carrier())


def streamed(request: HttpRequest) -> Any:
    return StreamingHttpResponse(stream())


def failing(request: HttpRequest) -> HttpResponse:
    fail()
    return HttpResponse()


urlpatterns = [
    path("items/<int:number>", item),
    path("stream", streamed),
    path("fail", failing),
    path("health", lambda request: JsonResponse(health())),
]
