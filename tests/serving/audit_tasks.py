"""The Celery app of the audit; as a program it publishes the tasks and runs a worker for them.

``python -m tests.serving.audit_tasks POOL UNITS`` prints the markers. The ID of each task is its
marker, so that Celery's own lines name it too.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging

import headrace
import headrace.logging
import headrace_celery
from tests.serving.audit_kit import cut, log_to

PREFIX = os.environ["AUDIT_QUEUE"]
LOG = Path(os.environ["HEADRACE_SITE_LOG"])
KINDS = ["work", "error", "constant-error", "retry", "parent", "kill"]
_constants: dict[int, ValueError] = {}
_log = logging.getLogger("audit")

headrace.configure(backend="none")
app = Celery("audit", broker=os.environ["AUDIT_BROKER"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": f"{PREFIX}."},
    task_default_queue=PREFIX,
    task_ignore_result=True,
    worker_enable_remote_control=False,
)
headrace_celery.init_app(app)


@setup_logging.connect
def configure_logging(**_: Any) -> None:
    log_to(str(LOG))
    headrace.logging.fork_safe()


@app.task(name="audit.work", bind=True, acks_late=True, reject_on_worker_lost=True, max_retries=2)
def work(self: Task, marker: str, kind: str, mark: str) -> None:
    """Act according to `kind`, and log lines that name `marker`."""
    _log.info("task %s", marker)
    if kind == "retry" and self.request.retries < 2:
        raise self.retry(countdown=0)
    if kind == "kill" and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "parent":
        work.apply_async((marker, "child", ""), task_id=f"{marker}-child")
    _log.info("done %s", marker)
    if kind == "error":
        raise RuntimeError(marker)
    if kind == "constant-error":
        # One object for each thread.
        constant = _constants.setdefault(threading.get_ident(), ValueError())
        constant.args = (marker,)
        cut(constant)
        raise constant


def publish(pool: str, units: int) -> list[str]:
    """Publish the tasks, each in a unit with its marker as the ID."""
    markers = []
    for number in range(units):
        marker, kind = f"mk0x{number}z", KINDS[number % len(KINDS)]
        if kind == "kill" and (pool != "prefork" or number % 30 != 5):
            kind = "work"
        # Replacing a killed process is slow: one in thirty is enough.
        with headrace.open_context(marker):
            mark = LOG.with_name(f"{marker}.killed")
            work.apply_async((marker, kind, str(mark)), task_id=marker)
        markers.append(marker)
    return markers


def main(pool: str, units: int) -> None:
    """Publish the tasks, run a worker until each is done, and print the markers."""
    markers = publish(pool, units)
    words = ["celery", "-A", "tests.serving.audit_tasks", "worker", "--pool", pool, "-c", "2"]
    # No lines are written after the last task: SIGTERM waits for the rest.
    with subprocess.Popen([sys.executable, "-m", *words], stdout=sys.stderr) as worker:
        try:
            wait_for(markers, worker)
        finally:
            worker.terminate()
    sys.stdout.write(" ".join(markers))


def wait_for(markers: list[str], worker: subprocess.Popen[bytes]) -> None:
    """Wait until the log has the last line of each task; stop when logging stalls."""
    missing, seen_at, size = {*markers}, time.monotonic(), 0
    while missing:
        if worker.poll() is not None or time.monotonic() > seen_at + 60:
            raise RuntimeError(f"{len(missing)} tasks are not done: {sorted(missing)[:5]}")
        time.sleep(0.3)
        if LOG.stat().st_size != size:
            size, seen_at = LOG.stat().st_size, time.monotonic()
            missing -= {*re.findall(r"done (mk\d+x\d+z)", LOG.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
