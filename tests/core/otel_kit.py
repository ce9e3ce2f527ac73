"""A flow to trace, and an SDK whose spans are kept."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import headrace

if TYPE_CHECKING:
    from collections.abc import Iterator


TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = 0xB7AD6B7169203331

shop = headrace.flow("otel")


@shop.entrypoint
def receive(fail: BaseException | None = None) -> None:
    """Receive an order."""
    charge(fail)


@shop.entrypoint(new=True)
def refund() -> str | None:
    """Open a unit of its own, wherever it is called."""
    return headrace.current_flow_id()


@shop.step
def charge(fail: BaseException | None = None) -> None:
    """Charge the card."""
    if fail is not None:
        raise fail


@shop.step
async def charge_async() -> None:
    """Charge the card, awaited."""
    await asyncio.sleep(0)


def current() -> trace.Span:
    """Return the current span."""
    return trace.get_current_span()


class Spans:
    """An SDK whose spans are kept."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.app = provider.get_tracer("app")

    def __getitem__(self, name: str) -> ReadableSpan:
        [span] = [each for each in self.exporter.get_finished_spans() if each.name == name]
        return span

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.exporter.get_finished_spans()]

    @property
    def traces(self) -> set[str]:
        return {trace_id(span) for span in self.exporter.get_finished_spans()}


def trace_id(span: ReadableSpan) -> str:
    """Return the trace ID as 32 hex digits."""
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}"


def parent_of(span: ReadableSpan) -> int | None:
    """Return the parent's span ID, or None for a root."""
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    """Return the span ID."""
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def name_of(span: trace.Span) -> str:
    """Return the span's name."""
    assert isinstance(span, ReadableSpan)
    return span.name


@contextmanager
def attached(context: Any) -> Iterator[None]:
    """Make the OpenTelemetry context `context` current."""
    token = otel_context.attach(context)
    try:
        yield
    finally:
        otel_context.detach(token)
