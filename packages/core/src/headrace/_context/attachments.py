"""Private state of a unit of work: whether it has ended, its trace, its facts."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace._tracing.w3c import TraceContext

    from .model import FlowContext


def set_ended(context: FlowContext) -> None:
    """Record that the unit has ended; it may stay current in code that outlives it."""
    context._ended = True  # noqa: SLF001 - a slot for this module


def has_ended(context: FlowContext) -> bool:
    """Return whether the unit has ended, and is current only for code that outlives it."""
    return getattr(context, "_ended", False)


def set_trace(context: FlowContext, trace: TraceContext | None) -> None:
    """Store the trace of the inbound message, for messages that the unit sends."""
    if trace is not None:
        context._trace = trace  # noqa: SLF001 - a slot for this module


def get_trace(context: FlowContext) -> TraceContext | None:
    """Return the trace of the unit's inbound message, or None."""
    return getattr(context, "_trace", None)


def add_facts(context: FlowContext, **facts: Any) -> None:
    """Add facts about the unit for backends, beyond the fields of `FlowContext`.

    Integrations call this only if `headrace.integration.units_are_watched()`, so that it costs
    nothing without a backend: once before the unit begins, and again when they know more.

    Args:
        context: the unit.
        facts: for a request `method`, `path`, `route` (the template, or None), `status`, and
            `error_type` and `error` (of an exception that the framework has handled; see
            `headrace.integration.record_error`); for a task `system`, `task_id`, `queue`,
            `queue_ms` (milliseconds), `retries` and `redelivered`, and `lost` (True if another
            process reports a run that was killed); for a run of a chain in an engine `run_id` and
            `resumed`.
    """
    try:
        context._facts.update(facts)  # noqa: SLF001 - a slot for this module
    except AttributeError:
        context._facts = facts  # noqa: SLF001


def facts_of(context: FlowContext) -> dict[str, Any]:
    """Return a copy of the facts that `add_facts` has added to the unit `context`."""
    return dict(getattr(context, "_facts", ()))


MAX_CHAIN_STEPS = 100
"""How many steps of chains the facts of a unit keep."""


def add_chain_steps(context: FlowContext, steps: Iterable[Mapping[str, Any]]) -> None:
    """Add the steps of a chain to the facts of its unit, as `chain`, up to `MAX_CHAIN_STEPS`.

    Args:
        context: the unit.
        steps: the name, the outcome and the attempts of each step.
    """
    add_facts(context)
    kept = context._facts.setdefault("chain", [])  # noqa: SLF001 - a slot for this module
    kept.extend(islice(steps, max(0, MAX_CHAIN_STEPS - len(kept))))


def is_logged(context: FlowContext) -> bool:
    """Return whether the unit gets a log line when it ends."""
    return hasattr(context, "_steps")
