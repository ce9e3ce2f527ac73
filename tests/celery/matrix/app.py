"""The app whose tasks the matrix publishes: the driver and each worker build it from here.

Every task notes the context that it sees as a line of a common file.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import time
from typing import Any

from celery import Celery, Task, signals
from celery.exceptions import SoftTimeLimitExceeded

import headrace
import headrace_celery

BROKER = os.environ["MATRIX_BROKER"]
RESULTS = os.environ["MATRIX_RESULTS"]
PREFIX = os.environ["MATRIX_PREFIX"]
NOTES = os.environ["MATRIX_NOTES"]
BEAT = os.environ.get("MATRIX_BEAT")

headrace.configure(backend="none")
log = logging.getLogger("matrix")
app = Celery("matrix", broker=BROKER, backend=RESULTS)
app.conf.update(
    beat_schedule={"tick": {"task": "matrix.run", "schedule": 0.5, "args": ("beat", "tick")}}
    if BEAT
    else {},
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": f"{PREFIX}."}
    if BROKER.startswith("redis")
    else {},
    result_backend_transport_options={"global_keyprefix": f"{PREFIX}."},
    result_chord_retry_interval=0.1,
    result_expires=600,
    task_acks_late=False,
    task_create_missing_queue_type="classic",
    task_default_exchange=PREFIX,
    task_default_queue=PREFIX,
    task_default_routing_key=PREFIX,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=True,
    worker_log_format="%(processName)s [%(flow_id)s] %(message)s",
    worker_task_log_format="%(processName)s [%(flow_id)s] %(message)s",
    worker_prefetch_multiplier=4,
)
headrace_celery.init_app(app, accept_deadline=True)


def note(row: str, label: str, **more: Any) -> None:
    """Write down what is current here, as one line of the common file."""
    context = headrace.get_flow_context()
    seen = {} if context is None else {"unit": context.unit_id, "cause": context.causation_id}
    line = {"row": row, "label": label, "id": headrace.current_flow_id(), **seen, **more}
    with open(NOTES, "ab", buffering=0) as file:  # noqa: PTH123, RUF100 - one write, appended
        file.write(json.dumps(line).encode() + b"\n")


@app.task(name="matrix.run")
def run(row: str, label: str) -> str:
    """Note the context, and log a line under it."""
    note(row, label)
    log.info("line of %s", headrace.current_flow_id())
    return label


@app.task(name="matrix.collect")
def collect(results: Any, row: str, label: str) -> None:
    """Note the context; the first argument is what the tasks before returned."""
    note(row, label)


@app.task(name="matrix.retrying", bind=True, max_retries=20)
def retrying(self: Task, row: str, times: int) -> None:
    """Note the context of each attempt."""
    note(row, f"attempt {self.request.retries}", headers=len(json.dumps(self.request.headers)))
    if self.request.retries < times:
        raise self.retry(countdown=0)


@app.task(name="matrix.autoretrying", bind=True, autoretry_for=(KeyError,), default_retry_delay=0)
def autoretrying(self: Task, row: str, times: int) -> None:
    """Note the context of each attempt, which fails."""
    note(row, f"attempt {self.request.retries}")
    if self.request.retries < times:
        raise KeyError(row)


@app.task(name="matrix.replaced", bind=True)
def replaced(self: Task, row: str) -> Any:
    """Have another task run in place of this one."""
    note(row, "replaced")
    return self.replace(run.si(row, "replacement"))


@app.task(name="matrix.parent")
def parent(row: str) -> None:
    """Publish a task."""
    note(row, "parent")
    run.delay(row, "child")


@app.task(name="matrix.outer")
def outer(row: str) -> None:
    """Run a task eagerly, which runs another one; then say what is current."""
    note(row, "outer")
    middle.apply((row,))
    note(row, "outer afterwards")


@app.task(name="matrix.middle")
def middle(row: str) -> None:
    """Run a task eagerly inside an eager one."""
    note(row, "middle")
    run.apply((row, "inner"))
    note(row, "middle afterwards")


@app.task(name="matrix.failing", throws=(LookupError,))
def failing(row: str) -> None:
    """Fail."""
    note(row, "failing")
    raise LookupError(row)


@app.task(name="matrix.errback")
def errback(failed_id: str) -> None:
    """Note the context; an errback with one argument is published."""
    note(failed_id.rpartition("/")[0], "errback")


@app.task(name="matrix.inline_errback")
def inline_errback(request: Any, exc: Exception, traceback: Any) -> None:
    """Note the context; an errback with more arguments is called where the task failed."""
    note(request.id.rpartition("/")[0], "errback")


@app.task(name="matrix.soft_limited", soft_time_limit=1)
def soft_limited(row: str) -> None:
    """Run into the soft time limit."""
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        note(row, "run")


@app.task(name="matrix.timely")
def timely(row: str) -> None:
    """Run until the deadline that came with the message."""
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        note(row, "run")


@app.task(name="matrix.hard_limited", time_limit=1.5)
def hard_limited(row: str) -> None:
    """Run into the hard time limit."""
    note(row, "run")
    time.sleep(30)


@app.task(name="matrix.killed", bind=True, acks_late=True, reject_on_worker_lost=True)
def killed(self: Task, row: str, mark: str) -> None:
    """Kill the process at the first run; the message is delivered again."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        note(row, "second run")
        return
    note(row, "first run")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="matrix.stuck", acks_late=True)
def stuck(row: str, mark: str) -> None:
    """Wait for the worker to be killed at the first run; the message is delivered again."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        note(row, "second run")
        return
    note(row, "first run")
    time.sleep(60)


@app.task(name="matrix.count")
def count() -> int:
    """Return how many contexts are alive in the process of this run."""
    gc.collect()
    return sum(type(each) is headrace.FlowContext for each in gc.get_objects())


@signals.task_revoked.connect(weak=False)
def on_revoked(request: Any, terminated: bool, expired: bool, **_: Any) -> None:
    """Note the context in which a revoked task is given up."""
    note(request.args[0], "expired" if expired else "revoked")
