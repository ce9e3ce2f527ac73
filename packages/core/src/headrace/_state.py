"""What `configure` has set: one module of globals that the hot paths read."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakMethod

from ._ids import ID_RULE, new_correlation_id, take_correlation_id, valid_id
from ._logger import log
from ._tracing import active_span

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from ._observation.dispatch import Observer
    from ._tracing.w3c import TraceContext

DEFAULT_HEADER = "X-Correlation-ID"

_modules = sys.modules
_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch


class Settings(NamedTuple):
    """The configuration in force; `configure` says what each field means."""

    strict: bool = False
    header: str = DEFAULT_HEADER
    id_factory: Callable[[], str | UUID] | None = None
    propagate_metadata: tuple[str, ...] = ()


settings = Settings()
# None while nothing observes: the one thing that the hot path looks at.
observer: Observer | None = None


def units_are_watched() -> bool:
    """Tell whether a backend listens to units and needs their facts (see `add_facts`)."""
    return observer is not None and observer.watches_units


_followers: list[WeakMethod[Callable[[], None]]] = []


def set_settings(new: Settings) -> None:
    """Apply `new`, and notify the followers of the header."""
    global settings  # noqa: PLW0603 - the only assignment
    is_moved = new.header != settings.header
    settings = new
    if is_moved:
        for follower in [reference() for reference in _followers]:
            if follower is not None:
                follower()


def follow_header(changed: Callable[[], None]) -> None:
    """Call the method `changed` whenever `configure` changes the header.

    Args:
        changed: a bound method, held by a weak reference.
    """
    _followers[:] = [reference for reference in _followers if reference() is not None]
    _followers.append(WeakMethod(changed))


def is_header_name(text: object) -> bool:
    """Tell whether `text` can be the name of an HTTP header (RFC 9110, section 5.6.2)."""
    return isinstance(text, str) and _token(text) is not None


def opening_id() -> str:
    """Return the ID of a unit that is given none: that of the trace it opens in, or a fresh one."""
    # Whoever has started a span has imported OpenTelemetry, and mostly nothing is active even so.
    if "opentelemetry.trace" in _modules and active_span.current(None):
        found = active_span.trace_id()
        if found is not None:
            return found
    if settings.id_factory is not None:
        return make_id()
    try:
        return take_correlation_id()
    except IndexError:
        return new_correlation_id()


def inbound_id(trace: TraceContext) -> str:
    """Return the ID of a unit whose message names `trace` and has no correlation header."""
    active = active_span.trace_id() if trace_is_active() else None
    return active or trace.trace_id


def trace_is_active() -> bool:
    """Tell whether OpenTelemetry may have an active span."""
    return "opentelemetry.trace" in _modules and bool(active_span.current(None))


def make_id() -> str:
    """Make a fresh correlation ID, by the configured factory if that gives a valid one."""
    factory = settings.id_factory
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
