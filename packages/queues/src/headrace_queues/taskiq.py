"""headrace for taskiq: a middleware that carries the context in a message's labels."""

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from taskiq import (
    AsyncBroker,
    AsyncTaskiqDecoratedTask,
    TaskiqMessage,
    TaskiqMiddleware,
    TaskiqResult,
)
from taskiq.kicker import AsyncKicker

import headrace.logging
from headrace.integration import Publication, Unit, begin_run, end_run, write_headers
from headrace.integration.messages import HEADER

__all__ = ["FlowMiddleware", "FlowTask", "init_app"]

P = ParamSpec("P")
R = TypeVar("R")


def init_app(broker: AsyncBroker) -> None:
    """Make the tasks of `broker` carry the context; a second call changes nothing.

    Call it in the module that creates the broker, before tasks are declared, so that these are
    `FlowTask` objects. The middleware becomes the outermost one, so that the others log with the
    ID, and a message that they publish, such as a retry, names the run as its cause.

    Args:
        broker: the broker.

    Raises:
        TypeError: `broker` is not a broker of taskiq.
    """
    if not isinstance(broker, AsyncBroker):
        raise TypeError(f"init_app() takes a taskiq broker, not {broker!r}")
    headrace.logging.install()
    if any(isinstance(each, FlowMiddleware) for each in broker.middlewares):
        return
    if broker.decorator_class is AsyncTaskiqDecoratedTask:  # unless the project has its own
        broker.decorator_class = FlowTask
    broker.add_middlewares(FlowMiddleware())
    broker.middlewares.insert(0, broker.middlewares.pop())


class FlowMiddleware(TaskiqMiddleware):
    """Opens a unit of work around each run; `init_app` adds it to a broker."""

    def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
        """Write the envelope of the current unit into the labels of `message`."""
        _write(message.labels)
        queue = self._queue_of(message)
        Publication(message.task_name, message.task_id, queue=queue).__enter__()
        return message

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        """Open the unit of a run."""
        labels = message.labels
        unit = begin_run(
            message.task_name,
            {**labels, HEADER: _decoded(labels[HEADER])} if HEADER in labels else labels,
            system="taskiq",
            task_id=message.task_id,
            queue=self._queue_of(message),
            retries=_number(labels.get("_retries")),
        )
        _running.set(_Run(unit, _running.get()))
        # A scheduled retry copies the labels, and no middleware sees it before it is due.
        _write(labels)
        return message

    def _queue_of(self, message: TaskiqMessage) -> str | None:
        return message.labels.get("queue_name") or getattr(self.broker, "queue_name", None)

    def on_error(
        self, message: TaskiqMessage, result: TaskiqResult[Any], exception: BaseException
    ) -> None:
        """Note the exception of a run."""
        if (run := _running.get()) is not None:
            run.exception = exception

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        """End the unit of a run."""
        if (run := _running.get()) is not None:
            _running.set(run.outer)
            end_run(run.unit, run.exception)


class FlowTask(AsyncTaskiqDecoratedTask[P, R]):
    """A task whose dynamic schedules carry the context of the code that makes them."""

    def kicker(self) -> AsyncKicker[P, R]:
        """Return the object that publishes or schedules the task."""
        made = super().kicker()
        return _FlowKicker(made.task_name, made.broker, {**made.labels}, made.return_type)


class _FlowKicker(AsyncKicker[P, R]):
    async def schedule_by_time(self, source: Any, time: datetime, *args: Any, **kwargs: Any) -> Any:
        # Unlike the ticks of a cron expression or interval, this run continues the operation.
        _write(self.labels)
        return await super().schedule_by_time(source, time, *args, **kwargs)


@dataclass
class _Run:
    """A run in progress, and the one around it: a broker in memory may run tasks in place."""

    unit: Unit
    outer: _Run | None
    exception: BaseException | None = None


# In a variable, since one message may run twice at the same time.
_running: ContextVar[_Run | None] = ContextVar("headrace_queues.taskiq", default=None)


def _write(labels: dict[str, Any]) -> None:
    write_headers(labels)
    if isinstance(labels.get(HEADER), dict):
        # As text, since taskiq converts the labels of retries and schedules with `str`.
        labels[HEADER] = json.dumps(labels[HEADER])


def _decoded(label: object) -> object:
    try:
        return json.loads(label) if isinstance(label, str) else label
    except (ValueError, RecursionError):  # reported as malformed
        return None


def _number(label: object) -> int:
    try:
        return int(str(label or 0))
    except ValueError:
        return 0
