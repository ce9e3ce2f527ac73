"""Backends, which receive spans and units of work.

A backend is any object with a ``span`` method; see `Backend`. `headrace.configure` sets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._context.attachments import facts_of
from ._observation.logging import LoggingBackend
from ._observation.outcomes import outcome_of
from ._observation.protocol import Backend, TracingBackend
from ._process.late_imports import late_imports
from ._step_info import StepInfo

if TYPE_CHECKING:
    from ._observation.otel.backend import OTelBackend
    from ._observation.otel.processor import FlowSpanProcessor

__all__ = [
    "Backend",
    "FlowSpanProcessor",
    "LoggingBackend",
    "OTelBackend",
    "StepInfo",
    "TracingBackend",
    "facts_of",
    "outcome_of",
]

# Imported late, since they need OpenTelemetry.
_OTEL = "headrace._observation.otel"
globals()["__getattr__"] = late_imports(
    __name__, {"FlowSpanProcessor": f"{_OTEL}.processor", "OTelBackend": f"{_OTEL}.backend"}
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
