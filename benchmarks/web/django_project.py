"""A Django project under each middleware, by WSGI and in an event loop."""

from __future__ import annotations

import logging.config
import os
import sys
import types
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from typing import Any
from uuid import uuid4
from weakref import ReferenceType

import django
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.harness import Case, Group
from benchmarks.web.sending import case, flow_id, http_scope, in_one_loop, peers, wsgi


def _view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


async def _async_view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


class HandWritten:
    """The smallest middleware for both worlds."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Serve the request under an ID."""
        if self.is_async:
            return self._serve(request)
        own_id = request.META.get("HTTP_X_CORRELATION_ID") or uuid4().hex
        token = flow_id.set(own_id)
        try:
            response = self.get_response(request)
        finally:
            flow_id.reset(token)
        response.headers["X-Correlation-ID"] = own_id
        return response

    async def _serve(self, request: HttpRequest) -> HttpResponse:
        own_id = request.META.get("HTTP_X_CORRELATION_ID") or uuid4().hex
        token = flow_id.set(own_id)
        try:
            response: HttpResponse = await self.get_response(request)
        finally:
            flow_id.reset(token)
        response.headers["X-Correlation-ID"] = own_id
        return response


def _django_guid() -> list[str]:
    import django_guid.middleware

    return [f"{django_guid.middleware.__name__}.guid_middleware"]


def _django_structlog() -> list[str]:
    import django_structlog.middlewares
    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # It writes two lines for each request; here to nowhere, and in one of its three formats.
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processor": structlog.processors.JSONRenderer(),
    }
    handler = {"class": "logging.FileHandler", "filename": os.devnull, "formatter": "json"}
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"file": handler},
        "loggers": {"django_structlog": {"handlers": ["file"], "level": "INFO"}},
    })
    return [f"{django_structlog.middlewares.__name__}.RequestMiddleware"]


def _opentelemetry() -> list[str]:
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    settings.MIDDLEWARE = []
    DjangoInstrumentor().instrument(tracer_provider=TracerProvider())
    return list(settings.MIDDLEWARE)


PEERS = {
    "django-guid": _django_guid,
    "django-structlog": _django_structlog,
    "OpenTelemetry's instrumentation": _opentelemetry,
}


def _start_django() -> None:
    urls = types.ModuleType("benchmark_urls")
    vars(urls)["urlpatterns"] = [path("", _view), path("async", _async_view)]
    sys.modules["benchmark_urls"] = urls
    peers_apps = [name for name in ("django_guid", "django_structlog") if find_spec(name)]
    settings.configure(
        ALLOWED_HOSTS=["*"],
        HEADRACE={"BACKEND": "none"},
        INSTALLED_APPS=["headrace_django", *peers_apps],
        LOGGING_CONFIG=None,
        ROOT_URLCONF="benchmark_urls",
        SECRET_KEY="benchmark",
    )
    django.setup()
    _leave_out_receivers("django_guid.")


def _leave_out_receivers(package: str) -> None:
    """Disconnect what a peer does when any request is finished, which would count for all cases."""
    for entry in list(request_finished.receivers):
        receiver = entry[1]() if isinstance(entry[1], ReferenceType) else entry[1]
        if str(getattr(receiver, "__module__", "")).startswith(package):
            request_finished.disconnect(receiver, dispatch_uid=None)
            if entry in request_finished.receivers:  # it was connected under a name
                request_finished.disconnect(dispatch_uid=entry[0][0])


def _sync(middleware: list[str]) -> Callable[[], None]:
    settings.MIDDLEWARE = middleware
    return wsgi(WSGIHandler())


def _async(middleware: list[str]) -> Callable[[], None]:
    """Send requests to the chain of middlewares itself.

    Django's ASGI handler starts two tasks for each request, whose cost differs more from one
    request to the next than a middleware adds.
    """
    settings.MIDDLEWARE = middleware
    handler = ASGIHandler()
    scope = http_scope("/async")

    async def serve() -> None:
        request = ASGIRequest(dict(scope), BytesIO())
        (await handler.get_response_async(request)).close()

    return in_one_loop(serve)


def groups(kind: str) -> list[Group]:
    """Return what is compared, of Django's ``sync`` or ``async`` handler."""
    _start_django()
    ours = ["headrace_django.middleware.FlowMiddleware"]
    others = peers(PEERS)
    return [
        Group(
            f"Django, {kind}: time added, in that of a hand-written middleware",
            _cases(_sync if kind == "sync" else _async, ours, others),
        )
    ]


def _cases(
    sending: Callable[[list[str]], Callable[[], None]],
    ours: list[str],
    others: dict[str, list[str]],
) -> list[Case]:
    bare = case("bare", sending([]))
    return [
        case("hand-written", sending([f"{__name__}.HandWritten"]), bare),
        case("headrace", sending(ours), bare, 1.2),
        *(case(name, sending(stack), bare) for name, stack in others.items()),
    ]
