"""Backends: receivers of the spans of steps and units of work.

A backend is any object with a ``span`` method; see `Backend`. `headrace.configure` sets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._messages.extras import missing_extra
from ._observation.logging import LoggingBackend
from ._observation.outcomes import outcome_of
from ._observation.protocol import Backend, TracingBackend
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
    "outcome_of",
]

# They need OpenTelemetry, unlike this module: (module, packages to install).
_LAZY = {
    "FlowSpanProcessor": ("processor", '"headrace[otel]" opentelemetry-sdk'),
    "OTelBackend": ("backend", '"headrace[otel]"'),
}


def _import_late(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'headrace.backends' has no attribute {name!r}")
    from importlib import import_module

    module, install = _LAZY[name]
    try:
        value = getattr(import_module(f"headrace._observation.otel.{module}"), name)
    except ModuleNotFoundError as error:
        raise missing_extra(name, "OpenTelemetry", install, error) from error
    globals()[name] = value
    return value


# Not by a `def`: a type checker would then accept every name.
globals()["__getattr__"] = _import_late


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
