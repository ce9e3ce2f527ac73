"""Publishes and runs tasks beside OpenTelemetry's instrumentation of Celery.

``python -m tests.tracing.celery_program celery "SETUP BACKEND"...``, as `tests.tracing.program`.
"""

from __future__ import annotations

import sys
from typing import Any

from celery import Celery

import headrace
import headrace_celery
from headrace.integration import Unit, transport_context
from tests.celery.conftest import run_in_worker
from tests.tracing.cells import print_cells
from tests.tracing.program import PARENT, TRACE, Complaints, described, in_order, is_clean, recorded
from tests.tracing.work import fail, work


def recorded_in(setup: str, backend: str) -> dict[str, Any]:
    """Run the tasks, and return what was recorded."""
    spans = recorded(setup)
    headrace.configure(backend)
    complaints = Complaints()
    app = Celery("tracing", broker="memory://", backend="cache+memory://")
    app.conf.update(broker_transport_options={"polling_interval": 0.01}, task_default_queue="tasks")

    def instrument() -> None:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor

        CeleryInstrumentor().instrument()

    in_order(setup, instrument, lambda: headrace_celery.init_app(app))
    tasks = declared(app)
    seen: dict[str, Any] = {}

    def run(name: str, task: str, **options: Any) -> None:
        spans.clear()
        inside = options.pop("inside", None)
        publish = lambda: tasks[task].apply_async(**options)  # noqa: E731
        if inside is None:
            publish()
        else:
            with inside:
                publish()
        run_in_worker(app)
        seen[name] = [described(span) for span in spans.get_finished_spans()]

    parent = f"00-{TRACE}-{PARENT}-"
    run("fresh", "run")
    run("message", "run", headers={"traceparent": parent + "01"})
    run("unsampled", "run", headers={"traceparent": parent + "00"})
    for name in ("run", "fail", "retry"):
        run(name, name, inside=Unit(transport_context("http", "/orders")))
    spans.clear()
    with Unit(transport_context("http", "/orders")):
        tasks["run"].apply()
    seen["eager"] = [described(span) for span in spans.get_finished_spans()]
    return {"seen": seen, "logged": complaints.lines, "after": is_clean()}


def declared(app: Celery) -> dict[str, Any]:
    @app.task(name="tracing.run")
    def run() -> None:
        work()

    @app.task(name="tracing.fail")
    def failing() -> None:
        fail()

    @app.task(name="tracing.retry", bind=True)
    def retry(self: Any) -> None:
        work()
        if not self.request.retries:
            raise self.retry(countdown=0)

    return {"run": run, "fail": failing, "retry": retry}


if __name__ == "__main__":
    print_cells(recorded_in, sys.argv[2:])
