"""Opening a unit of work: which correlation ID, cause and deadline it gets."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Never

from headrace import _state
from headrace._ids import ID_RULE, check_id, new_correlation_id, take_correlation_id, valid_id
from headrace._logger import log
from headrace._messages.hints import refuse_keyword
from headrace._tracing import active_span
from headrace._tracing.active_span import trace_is_active

from .attachments import get_trace, set_trace
from .deadlines import inherited_deadline, min_deadline
from .model import FlowContext
from .units import Unit
from .variables import unit_var

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._tracing.w3c import TraceContext

    from .remote import RemoteContext

_modules = sys.modules


def open_context(
    correlation_id: str | None = None,
    *,
    remote: RemoteContext | None = None,
    metadata: Mapping[str, Any] | None = None,
    **misspelt: Never,
) -> Unit:
    """Open a unit of work by hand: in a script, a message consumer, a test.

    Inside a unit the new one keeps that unit's correlation ID unless it is given another, and
    names that unit as its cause. ``as context`` gives the `FlowContext`; at the end of the block
    what was current before is current again.

    Args:
        correlation_id: 1 to 256 characters from ``A-Z a-z 0-9 . _ ~ : / + = @ | -`` that start
            with a letter, a digit or ``|``; made if not given.
        remote: what `extract` read from a message's headers.
        metadata: the unit's first metadata, besides what `remote` holds.
        misspelt: refused with the nearest name; there are no other options.

    Raises:
        ValueError: `correlation_id` is not a valid ID.
        TypeError: `remote` or `metadata` is of a wrong type.
    """
    if misspelt:
        refuse_keyword(open_context, next(iter(misspelt)))
    if correlation_id is not None:
        correlation_id = check_id(correlation_id)
    if remote is not None:
        _check_remote(remote)
    if metadata is not None and not isinstance(metadata, Mapping):
        raise TypeError(f"metadata= takes a mapping of names to values, not {metadata!r}")
    return Unit(nested_context("manual", None, correlation_id, remote, metadata))


def _check_remote(remote: object) -> None:
    from .remote import RemoteContext

    if not isinstance(remote, RemoteContext):
        raise TypeError(f"remote= takes what headrace.extract() returns, not {remote!r}")


def nested_context(
    kind: str,
    name: str | None,
    correlation_id: str | None = None,
    remote: RemoteContext | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> FlowContext:
    """Make the context of a unit whose cause is the current one, if there is one.

    Args:
        kind: ``command``, ``flow``, ``task``, ``http``, ``websocket`` or ``manual``.
        name: the route, task or flow name, or None.
        correlation_id: a valid ID, or None for that of `remote`, of the current unit or a new one.
        remote: what the message says of the operation that it belongs to.
        metadata: the unit's first metadata, besides what `remote` holds.
    """
    outer = unit_var.get()
    cause = None if outer is None else outer.unit_id
    deadline = inherited_deadline(outer)
    if remote is not None:
        if correlation_id is None:
            correlation_id = valid_id(remote.correlation_id)
        if correlation_id is None and remote.trace is not None:
            correlation_id = inbound_id(remote.trace)
        if remote.metadata:
            metadata = {**remote.metadata, **(metadata or {})}
        cause = valid_id(remote.causation_id) or cause
        deadline = min_deadline(deadline, remote.deadline)
    if correlation_id is None:
        correlation_id = opening_id() if outer is None else outer.correlation_id
    context = FlowContext(correlation_id, cause, kind, name, deadline, metadata)
    if remote is not None and remote.trace is not None:
        set_trace(context, remote.trace)
    elif outer is not None and outer.correlation_id == correlation_id:
        set_trace(context, get_trace(outer))
    return context


def transport_context(
    kind: str,
    name: str | None = None,
    remote: RemoteContext | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> FlowContext:
    """Make the context of a request or message: it never joins what happens to be active.

    Args:
        kind: ``http``, ``websocket`` or ``task``.
        name: the route or task name, or None.
        remote: what the message says of the operation that it belongs to, checked by the caller.
        metadata: the unit's first metadata; that of `remote` is left to the caller.
    """
    if remote is None:
        return FlowContext(opening_id(), None, kind, name, None, metadata)
    correlation_id, trace = remote.correlation_id, remote.trace
    if not correlation_id:
        correlation_id = opening_id() if trace is None else inbound_id(trace)
    context = FlowContext(
        correlation_id, remote.causation_id, kind, name, remote.deadline, metadata
    )
    set_trace(context, trace)
    return context


def opening_id() -> str:
    """Return the ID of a unit that is given none: that of the trace it opens in, or a fresh one."""
    # Whoever has started a span has imported OpenTelemetry, and mostly nothing is active even so.
    if "opentelemetry.trace" in _modules and active_span.current(None):
        found = active_span.trace_id()
        if found is not None:
            return found
    if _state.settings.id_factory is not None:
        return make_id()
    try:
        return take_correlation_id()
    except IndexError:
        return new_correlation_id()


def inbound_id(trace: TraceContext) -> str:
    """Return the ID of a unit whose message names `trace` and has no correlation header."""
    active = active_span.trace_id() if trace_is_active() else None
    return active or trace.trace_id


def make_id() -> str:
    """Make a fresh correlation ID, by the configured factory if that gives a valid one."""
    factory = _state.settings.id_factory
    if factory is None:
        return new_correlation_id()
    try:
        made = factory()
    except Exception as error:
        if _is_first(factory, type(error)):
            log.exception("id_factory raised; correlation IDs are generated without it")
        return new_correlation_id()
    made_id = id_from_factory(made)
    if made_id is not None:
        return made_id
    if _is_first(factory, type(made)):
        log.error(
            "id_factory returned an invalid correlation ID (%s); it must be a UUID, or a string of "
            "%s; correlation IDs are generated without it",
            type(made).__name__,
            ID_RULE,
        )
    return new_correlation_id()


def id_from_factory(made: object) -> str | None:
    """Return a factory's result as a correlation ID: a valid ID or a UUID, else None."""
    uuid = _modules.get("uuid")  # imported already if the factory returns UUIDs
    return valid_id(str(made) if uuid is not None and isinstance(made, uuid.UUID) else made)


def factory_fault(factory: Callable[[], object] | None) -> str | None:
    """Call an ID factory once, and return a description of its fault, or None.

    Args:
        factory: the factory; None for the built-in one.
    """
    if factory is None:
        return None
    try:
        made = factory()
    except Exception as error:
        return f"it raised {type(error).__name__}"
    if id_from_factory(made) is not None:
        return None
    kind = "an invalid string" if isinstance(made, str) else f"an object of {type(made).__name__}"
    return f"it returned {kind}; an ID is a UUID, or a string of {ID_RULE}"


_reported: tuple[object, set[type]] = None, set()


def _is_first(factory: object, fault: type) -> bool:
    """Tell whether this is the first such fault of `factory`, which may fail on every request."""
    global _reported  # noqa: PLW0603 - forgotten with the factory
    if _reported[0] is not factory:
        _reported = factory, set()
    is_first = fault not in _reported[1]
    _reported[1].add(fault)
    return is_first
