"""Fixtures for the tests of OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import headrace
from headrace.testing import reset
from tests.core.otel_kit import Spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Spans]]:
    """Set a tracer provider, as an application does once for its process."""

    def installed(*args: Any, **options: Any) -> Spans:
        provider = args[0] if args else TracerProvider(shutdown_on_exit=False, **options)
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
        return Spans(provider)

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    yield installed
    reset()


@pytest.fixture
def spans(install: Callable[..., Spans]) -> Spans:
    """The spans of an SDK with its defaults, with headrace reporting to OpenTelemetry."""
    headrace.configure("otel")
    return install()
