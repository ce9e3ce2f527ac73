"""headrace for Dramatiq: a middleware that carries the context in a message's options."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dramatiq import Broker, Message, Middleware
from dramatiq.common import q_name
from dramatiq.errors import RateLimitExceeded, Retry
from dramatiq.middleware import SkipMessage

import headrace.logging
from headrace.integration import (
    Publication,
    Unit,
    begin_run,
    clock,
    end_run,
    register_control_flow,
    write_headers,
)

__all__ = ["FlowMiddleware", "init_app"]

register_control_flow(Retry, RateLimitExceeded, outcome="retry")
register_control_flow(SkipMessage, outcome="ignored")


def init_app(broker: Broker) -> None:
    """Make the messages of `broker` carry the context; a second call changes nothing.

    Call it in the module that creates the broker, which publishers and workers both import. The
    middleware becomes the outermost one, so that the others log with the ID, and a message that
    they publish, such as a retry, names the run as its cause.

    Args:
        broker: the broker.

    Raises:
        TypeError: `broker` is not a broker of Dramatiq.
    """
    if not isinstance(broker, Broker):
        raise TypeError(f"init_app() takes a Dramatiq broker, not {broker!r}")
    headrace.logging.install()
    if any(isinstance(each, FlowMiddleware) for each in broker.middleware):
        return
    outermost = type(broker.middleware[0]) if broker.middleware else None
    broker.add_middleware(FlowMiddleware(), before=outermost)


class FlowMiddleware(Middleware):
    """Opens a unit of work around each message; `init_app` adds it to a broker."""

    def __init__(self) -> None:
        # By the identity of the message: workers are threads, and each holds its own message.
        self._open: dict[int, Unit] = {}
        # The IDs of messages that wait in this worker until they are due.
        self._delayed: set[str] = set()

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """Write the envelope of the current unit into the options of `message`."""
        write_headers(message.options)
        if delay is None and message.message_id in self._delayed:
            self._delayed.discard(message.message_id)
            return  # now due: it was published before
        due = None
        if delay is not None:
            due = datetime.fromtimestamp(clock.wall() + delay / 1000, UTC).isoformat()
        queue, message_id = q_name(message.queue_name), message.message_id
        Publication(message.actor_name, message_id, queue=queue, eta=due).__enter__()

    def before_delay_message(self, broker: Broker, message: Any) -> None:
        """Remember that `message` will be enqueued again when it is due."""
        self._delayed.add(message.message_id)

    def before_process_message(self, broker: Broker, message: Any) -> None:
        """Open the unit of a run."""
        self._open[id(message)] = begin_run(
            message.actor_name,
            message.options,
            system="dramatiq",
            task_id=message.message_id,
            queue=message.queue_name,
            retries=message.options.get("retries", 0),
        )

    def after_process_message(
        self,
        broker: Broker,
        message: Any,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """End the unit of a run."""
        unit = self._open.pop(id(message), None)
        if unit is not None:
            end_run(unit, exception)

    def after_skip_message(self, broker: Broker, message: Any) -> None:
        """End the unit of a message that another middleware has skipped."""
        self.after_process_message(broker, message, exception=SkipMessage())
