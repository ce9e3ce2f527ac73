"""The context that a message from another process carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace._tracing.w3c import TraceContext


@dataclass(frozen=True, slots=True)
class RemoteContext:
    """The context that a message from another process carries.

    Attributes:
        correlation_id: a valid correlation ID, or None.
        causation_id: the unit that sent the message, or None.
        deadline: the reading of this process's `time.monotonic` (seconds) by which the work must
            be done, or None.
        metadata: values that the sender propagated.
        trace: the message's W3C Trace Context, or None. Its trace ID becomes the correlation ID if
            the message carries no other.
    """

    correlation_id: str | None = None
    causation_id: str | None = None
    deadline: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    trace: TraceContext | None = None


NOTHING = RemoteContext()
