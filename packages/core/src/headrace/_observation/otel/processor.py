"""A span processor for OpenTelemetry's SDK that adds the correlation ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._context.variables import get_unit
from headrace._messages.extras import missing_extra
from headrace._tracing.active_span import CORRELATION_ID

try:
    from opentelemetry.sdk.trace import SpanProcessor
except ModuleNotFoundError as _error:
    _install = '"headrace[otel]"'
    raise missing_extra("FlowSpanProcessor", "OpenTelemetry", _install, _error) from _error

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span


class FlowSpanProcessor(SpanProcessor):
    """Sets ``headrace.correlation_id`` on every span that starts inside a unit of work.

    This includes the spans of instrumented libraries, and works with any backend. Add it before
    the processors that export: ``provider.add_span_processor(FlowSpanProcessor())``. If a span
    started before its unit opened, like that of an instrumented web framework, `OTelBackend` sets
    the attribute instead.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Set the attribute on `span`, if a unit of work is active."""
        unit = get_unit()
        if unit is not None and CORRELATION_ID not in (span.attributes or ()):
            span.set_attribute(CORRELATION_ID, unit.correlation_id)
