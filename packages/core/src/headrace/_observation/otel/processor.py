"""A span processor for OpenTelemetry's SDK that adds the correlation ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._context.variables import get_unit
from headrace._messages.extras import missing_extra
from headrace._tracing.active_span import CORRELATION_ID

try:
    from opentelemetry.sdk.trace import SpanProcessor
except ModuleNotFoundError as _error:
    _install = '"headrace[otel]" opentelemetry-sdk'
    raise missing_extra("FlowSpanProcessor", "OpenTelemetry", _install, _error) from _error

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span


class FlowSpanProcessor(SpanProcessor):
    """Stamps ``headrace.correlation_id`` on every span that starts inside a unit of work.

    Spans of instrumented libraries are included; it works beside any backend. Add it before the
    processors that export: ``provider.add_span_processor(FlowSpanProcessor())``. A span that
    started before its unit opened (that of an instrumented web framework) is stamped by
    `OTelBackend` instead.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Stamp `span`, if a unit of work is active."""
        unit = get_unit()
        if unit is not None and CORRELATION_ID not in (span.attributes or ()):
            span.set_attribute(CORRELATION_ID, unit.correlation_id)
