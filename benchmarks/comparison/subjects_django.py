"""A Django project under each library."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

HOSTILE = "id\x1b[31m"


@dataclass
class Library:
    """How a library is used: its app, its middleware, where its ID is read, its header."""

    app: str
    middleware: str
    header: str
    current: Callable[[], str | None]
    settings: dict[str, Any] = field(default_factory=dict)


def headrace() -> Library:
    """Describe headrace."""
    from headrace import current_flow_id

    middleware = "headrace_django.middleware.FlowMiddleware"
    return Library("headrace_django", middleware, "X-Correlation-ID", current_flow_id)


def django_guid() -> Library:
    """Describe django-guid."""

    def current() -> str | None:
        from django_guid import get_guid

        return get_guid()

    settings = {"DJANGO_GUID": {"GUID_HEADER_NAME": "Correlation-ID"}}
    return Library(
        "django_guid", "django_guid.middleware.guid_middleware", "Correlation-ID", current, settings
    )


def django_structlog() -> Library:
    """Describe django-structlog."""

    def current() -> str | None:
        import structlog

        return structlog.contextvars.get_contextvars().get("request_id")

    middleware = "django_structlog.middlewares.RequestMiddleware"
    return Library("django_structlog", middleware, "X-Request-ID", current)


LIBRARIES = {
    "headrace": headrace,
    "django-guid": django_guid,
    "django-structlog": django_structlog,
}


class Trial:
    """One library under all questions."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.seen: list[str | None] = []
        self._start_django()

    def answers(self) -> dict[str, bool]:
        """Answer every question."""
        return {
            "error page": self._error_page(),
            "stream": self._sees_id("/stream"),
            "hostile ID refused": self._refuses(),
            "one header": self._one_header(),
            "caller intact": self._caller_intact(),
        }

    def _start_django(self) -> None:
        import django
        from django.conf import settings
        from django.http import HttpResponse, StreamingHttpResponse
        from django.urls import path

        def body() -> Iterator[str]:
            self.seen.append(self.library.current())
            yield "x"

        def fail(_: Any) -> Any:
            raise RuntimeError("as planned")

        def stream(_: Any) -> Any:
            return StreamingHttpResponse(body())

        def own(_: Any) -> Any:
            return HttpResponse("x", headers={self.library.header: "from-upstream"})

        urls = types.ModuleType("comparison_urls")
        vars(urls)["urlpatterns"] = [path("fail", fail), path("stream", stream), path("own", own)]
        sys.modules["comparison_urls"] = urls
        settings.configure(
            ALLOWED_HOSTS=["*"],
            INSTALLED_APPS=[self.library.app],
            LOGGING_CONFIG=None,
            MIDDLEWARE=[self.library.middleware],
            ROOT_URLCONF="comparison_urls",
            SECRET_KEY="comparison",
            **self.library.settings,
        )
        django.setup()

    def _get(self, path: str, **headers: str) -> Any:
        from django.test import Client

        client = Client(raise_request_exception=False, headers=headers)
        response = client.get(path)
        if response.streaming:
            list(response.streaming_content)
        return response

    def _error_page(self) -> bool:
        return self.library.header in self._get("/fail").headers

    def _sees_id(self, path: str) -> bool:
        self.seen.clear()
        self._get(path)
        return len(self.seen) == 1 and self.seen[0] is not None

    def _refuses(self) -> bool:
        self.seen.clear()
        self._get("/stream", **{self.library.header: HOSTILE})
        return HOSTILE not in self.seen

    def _one_header(self) -> bool:
        value = self._get("/own").headers.get(self.library.header, "")
        return value not in {"", "from-upstream"}

    def _caller_intact(self) -> bool:
        before = self.library.current()
        self._get("/own")
        return self.library.current() == before
