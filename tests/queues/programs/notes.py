"""What the tasks of the contract write down, as JSON lines of a common file."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import headrace
from headrace._observation.outcomes import outcome_of
from headrace.backends import facts_of
from tests.lines import whole_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("contract")
NOTES = os.environ.get("CONTRACT_NOTES", os.devnull)
URL = os.environ.get("CONTRACT_URL", "redis://127.0.0.1:6379/7")
QUEUE = os.environ.get("CONTRACT_QUEUE", "contract")
LINES = "%(name)s [%(flow_id)s] %(message)s"


def write(**values: Any) -> None:
    """Append one line to the file of notes."""
    with open(NOTES, "ab", buffering=0) as file:  # noqa: PTH123, RUF100 - one write, appended
        file.write(json.dumps(values).encode() + b"\n")


def note(label: str) -> None:
    """Note the current context, and log a line under it."""
    context = headrace.get_flow_context()
    assert context is not None
    log.warning("line of %s", label)
    write(
        event="run",
        label=label,
        id=context.correlation_id,
        unit=context.unit_id,
        cause=context.causation_id,
        kind=context.kind,
        name=context.name,
    )


def die_once(mark: str) -> None:
    """Kill this process, unless it has been done before."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


class Units:
    """A backend that notes how each unit ends."""

    @contextlib.contextmanager
    def span(self, step: Any, context: headrace.FlowContext) -> Iterator[None]:
        """Do nothing: the contract is about units."""
        yield

    @contextlib.contextmanager
    def unit(self, context: headrace.FlowContext) -> Iterator[None]:
        """Note the outcome and the facts of a unit."""
        raised: BaseException | None = None
        try:
            yield
        except BaseException as exc:
            raised = exc
            raise
        finally:
            outcome, facts = outcome_of(raised), facts_of(context)
            write(event="end", unit=context.unit_id, outcome=outcome, facts=facts)


class Events(logging.Handler):
    """Notes the records of events, such as ``unit.end``."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note `record` if it is one of an event."""
        event = getattr(record, "event", None)
        if event is not None:
            write(**{key: getattr(record, key, None) for key in FIELDS}, event=event)


FIELDS = (
    *("kind", "unit_name", "correlation_id", "unit_id", "causation_id", "outcome"),
    *("task", "task_id", "queue", "queue_ms", "retries", "eta"),
)


def prepare_worker() -> None:
    """Have units and lines noted, and lines that carry the ID."""
    headrace.configure(backend=Units())
    handler = logging.StreamHandler()
    handler.setFormatter(headrace.logging.Formatter(LINES))
    logging.basicConfig(level=logging.INFO, handlers=[handler, Events()], force=True)


def read(path: Path, event: str, key: str, value: str, count: int) -> list[dict[str, Any]]:
    """Wait until `count` notes of `event` have `value` for `key`, and return them in order."""
    end = time.monotonic() + 120
    while True:
        lines = whole_lines(path) if path.exists() else []
        notes = [note for note in map(json.loads, lines) if note["event"] == event]
        found = [note for note in notes if note[key] == value]
        if len(found) >= count:
            return found
        assert time.monotonic() < end, f"only {len(found)} of {count} notes: {notes[-5:]}"
        time.sleep(0.02)
