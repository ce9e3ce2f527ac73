"""Runs tasks with another SDK's Celery integration active, in a process of its own.

`python -m tests.celery.side_by_side {sentry,otel} {before,after}`: the other one is set up before
or after `init_app`. What was seen is printed as JSON. The other SDKs patch Celery for good, which
is why this is no test by itself.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from celery import Celery, signals

import headrace
import headrace_celery
from tests.celery.conftest import run_in_worker

seen: dict[str, list[Any]] = {"runs": [], "publishers": [], "sent": [], "logged": [], "between": []}


def main(sdk: str, order: str) -> None:
    """Publish tasks that succeed, fail and are retried, outside and inside units, and run them."""
    setups = [SETUPS[sdk], lambda: headrace_celery.init_app(app)]
    headrace.configure(backend="otel" if sdk == "otel" else "none")
    app = Celery("side", broker="memory://", backend="cache+memory://")
    app.conf.update(broker_transport_options={"polling_interval": 0.01}, task_default_queue="side")
    for setup in setups if order == "before" else reversed(setups):
        setup()
    handler = Logged()
    logging.getLogger().addHandler(handler)
    signals.after_task_publish.connect(keep_headers, weak=False)
    signals.task_received.connect(keep_between, weak=False)
    work(app)
    REPORTS[sdk]()
    sys.stdout.write(json.dumps(seen))


def work(app: Celery) -> None:
    """Publish and run."""

    @app.task(name="side.run", bind=True)
    def run(self: Any, name: str) -> None:
        context = headrace.get_flow_context()
        seen["runs"].append([name, self.request.retries, headrace.current_flow_id(), context.name])
        inner.apply((name,))
        if name == "retry" and self.request.retries < 3:
            raise self.retry(countdown=0, max_retries=5)
        if name == "fail":
            raise LookupError(name)

    @app.task(name="side.inner")
    def inner(name: str) -> None:
        seen["runs"].append([name, "inner", headrace.current_flow_id(), "side.run"])

    for name in ("run", "fail", "retry", "run"):
        with headrace.open_context() as context:
            seen["publishers"].append([name, context.correlation_id])
            run.apply_async((name,), headers={"mine": "kept"})
            assert headrace.get_flow_context() is context
        run_in_worker(app)


def keep_headers(headers: Any, **_: Any) -> None:
    """Keep what was sent."""
    seen["sent"].append(json.loads(json.dumps(headers, default=str)))


def keep_between(**_: Any) -> None:
    """Keep what is current between two runs, in our terms and in OpenTelemetry's."""
    span = "opentelemetry.trace" in sys.modules and current_span()
    seen["between"].append([headrace.current_flow_id(), span])


def current_span() -> bool:
    """Tell whether a span is current."""
    from opentelemetry import trace

    return bool(trace.get_current_span().get_span_context().is_valid)


class Logged(logging.Handler):
    """Keeps warnings and errors, such as OpenTelemetry's about contexts that it cannot detach."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text."""
        if record.levelno >= logging.WARNING:
            seen["logged"].append(record.getMessage())


def set_up_otel() -> None:
    """Set up OpenTelemetry with its instrumentation of Celery, which keeps its spans in memory."""
    from opentelemetry import trace
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()
    REPORTS["otel"] = lambda: report_spans(exporter.get_finished_spans())


def report_spans(spans: Any) -> None:
    """Keep the name and the trace of each span."""
    seen["spans"] = [[span.name, f"{span.context.trace_id:032x}"] for span in spans]


def set_up_sentry() -> None:
    """Set up Sentry's SDK with its integration of Celery; events and transactions stay here."""
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.transport import Transport

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            for item in envelope.items:
                payload = item.payload.json or {}
                seen.setdefault(item.type, []).append(payload.get("transaction"))

    sentry_sdk.init(
        dsn="https://key@sentry.invalid/1",
        transport=Kept,
        traces_sample_rate=1.0,
        default_integrations=False,
        integrations=[CeleryIntegration()],
    )
    REPORTS["sentry"] = sentry_sdk.flush


SETUPS = {"otel": set_up_otel, "sentry": set_up_sentry}
REPORTS: dict[str, Any] = {}

if __name__ == "__main__":
    main(*sys.argv[1:3])
