"""The context of a unit of work, and the two variables that carry it inside a process."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from headrace._errors import OutsideFlowError
from headrace._ids import check_id, new_correlation_id, new_unit_id
from headrace._messages.text import printable
from headrace._process.locks import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, TracebackType
    from weakref import ref

    from headrace._step_info import StepInfo
    from headrace._tracing.w3c import TraceContext

    from .units import Unit

unit_var: ContextVar[FlowContext | None] = ContextVar("headrace.unit", default=None)
step_var: ContextVar[StepInfo | None] = ContextVar("headrace.step", default=None)


class FlowContext:
    """One unit of work: an HTTP request, a task, a command, a script.

    Everything that runs in the unit shares this object, and so its metadata: threads, tasks and
    sync dependencies included. `fork` gives isolation where that is wanted.

    Attributes:
        correlation_id: the ID of the whole operation, the same in every process that it crosses.
        causation_id: the `unit_id` of the unit that caused this one, or None.
        kind: ``http``, ``websocket``, ``task``, ``command``, ``flow`` or ``manual``.
        name: the route, task or flow name, or None.
        unit_id: the ID of this unit, 16 lower-case hex digits.
        deadline: the reading of `time.monotonic` (seconds) by which the unit must be done, or None.
    """

    __slots__ = (
        "_ended",
        "_entered",
        "_facts",
        "_left",
        "_span",
        "_trace",
        "_unit",
        "_unit_id",
        "_values",
        "causation_id",
        "correlation_id",
        "deadline",
        "kind",
        "name",
    )

    _ended: bool
    _entered: Unit | None
    _facts: dict[str, Any]  # set if a backend listens
    _left: Left  # set if the unit ended while something opened inside it was still current
    _span: Any  # OpenTelemetry's: the unit's own span, or the one around it
    _unit: ref[Unit]  # of a nested unit: alive while something can still end it
    _trace: TraceContext
    # These two are made when first asked for: most units have no metadata, and cause no other unit.
    _unit_id: str
    _values: dict[str, Any]

    def __init__(
        self,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        kind: str = "manual",
        name: str | None = None,
        deadline: float | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.correlation_id: str = correlation_id or new_correlation_id()
        self.causation_id: str | None = causation_id
        self.kind: str = kind
        self.name: str | None = name
        self.deadline: float | None = deadline
        if metadata:
            self._values = dict(metadata)

    # No __getattr__ here: the mere presence of one makes every attribute slower to read.

    @property
    def unit_id(self) -> str:
        """The ID of this unit, 16 lower-case hex digits."""
        try:
            return self._unit_id
        except AttributeError:
            make_late(self, "_unit_id", new_unit_id)
            return self._unit_id

    @property
    def _metadata(self) -> dict[str, Any]:
        try:
            return self._values
        except AttributeError:
            make_late(self, "_values", dict)
            return self._values

    @property
    def flow(self) -> str | None:
        """The name of the flow that is current where this is read, or None."""
        info = step_var.get()
        return None if info is None else info.flow or None

    @property
    def step(self) -> str | None:
        """The name of the step that is current where this is read, or None."""
        info = step_var.get()
        return None if info is None else info.name or None

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the unit's metadata."""
        return self._metadata.copy()

    def get_value(self, key: str, default: Any = None) -> Any:
        """Return the metadata value under `key`, or `default`."""
        return self._metadata.get(key, default)

    def set_value(self, key: str, value: Any) -> None:
        """Set the metadata value under `key`, for everything that runs in this unit."""
        self._metadata[key] = value

    def delete_value(self, key: str) -> None:
        """Remove the metadata value under `key`, if there is one."""
        self._metadata.pop(key, None)

    def fork(self) -> FlowContext:
        """Return a new unit of the same operation, with a deep copy of the metadata.

        The new unit has the same correlation ID, kind, name and deadline, and names this one as
        its cause. ``with context.fork():`` enters it.

        Raises:
            TypeError: a metadata value cannot be copied; the message names its key.
        """
        from .deadlines import inherited_deadline

        forked = FlowContext(
            self.correlation_id,
            self.unit_id,
            self.kind,
            self.name,
            inherited_deadline(self),
            _deep_copy(self._metadata),
        )
        set_trace(forked, get_trace(self))
        return forked

    def __enter__(self) -> Self:
        """Make this unit the current one.

        Raises:
            RuntimeError: the unit has been entered before; fork it instead.
            ValueError: its correlation ID is invalid.
        """
        from .deadlines import inherited_deadline, min_deadline
        from .units import Unit

        if hasattr(self, "_entered") or unit_var.get() is self:
            raise used_unit(self)
        self.correlation_id = check_id(self.correlation_id)
        self.deadline = min_deadline(self.deadline, inherited_deadline(unit_var.get()))
        self._entered = unit = Unit(self)
        unit.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the unit and restore what was current before."""
        try:
            unit = self._entered
        except AttributeError:
            return
        if unit is not None:
            self._entered = None  # the two are in no cycle afterwards
            unit.__exit__(exc_type, exc, traceback)

    def __repr__(self) -> str:
        """Show what identifies the unit; metadata may be private and stays out."""
        return printable(
            f"<FlowContext {self.kind} {self.name or '-'} correlation_id={self.correlation_id} "
            f"unit_id={self.unit_id} causation_id={self.causation_id or '-'}>"
        )


class Left(NamedTuple):
    """How a unit was left while another one was current."""

    outer: FlowContext | None
    """The unit that was current before it."""
    info: StepInfo | None
    """The step that was current before it."""
    token: Token[FlowContext | None]
    """Identifies the thread or task in which it was left."""
    takes_all: bool
    """Whether everything opened inside was left with it."""


_new = object.__new__


def request_context(correlation_id: str, kind: str, name: str | None) -> FlowContext:
    """Return the context of a usual request, twice as fast as ``FlowContext(...)``.

    Args:
        correlation_id: a valid ID.
        kind: ``http`` or ``websocket``.
        name: the route or path, or None.
    """
    context = _new(FlowContext)
    context.correlation_id = correlation_id
    context.causation_id = None
    context.kind = kind
    context.name = name
    context.deadline = None
    return context


_late_lock = new_lock()  # a signal may come, or a collection, while it is held


def _renew_lock() -> None:
    global _late_lock  # noqa: PLW0603 - a child process must not wait for a thread it lacks
    _late_lock = new_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def make_late(owner: Any, name: str, make: Callable[[], Any]) -> None:
    """Set the attribute `name` of `owner` to what `make` returns, unless it is set already."""
    with _late_lock:
        if not hasattr(owner, name):  # another thread may have been first
            setattr(owner, name, make())


def used_unit(context: FlowContext) -> RuntimeError:
    """Return the error of entering the unit `context` a second time."""
    return RuntimeError(
        f"unit {context.unit_id} has already been entered, and a unit of work has one life; "
        f"use `with context.fork():` for another unit of the same operation"
    )


def restored(
    unit: FlowContext | None, info: StepInfo | None
) -> tuple[FlowContext | None, StepInfo | None]:
    """Return the unit and step to restore for `unit`: itself, unless it has been left here.

    A thread or task started inside the unit keeps it, even if it has been left elsewhere. The
    caller sets the variable of the unit afterwards.
    """
    while unit is not None and (left := left_here(unit)) is not None:
        unit, info = left.outer, left.info
    return unit, info


def left_here(unit: FlowContext) -> Left | None:
    """Return how `unit` was left in this thread or task, or None.

    The caller sets the variable of the unit afterwards.
    """
    left: Left | None = getattr(unit, "_left", None)
    if left is None:
        return None
    try:
        unit_var.reset(left.token)
    except ValueError:
        return None
    set_left(unit, left.outer, left.info, takes_all=left.takes_all)
    return left


def set_left(
    unit: FlowContext, outer: FlowContext | None, info: StepInfo | None, *, takes_all: bool
) -> None:
    """Record that `unit` has been left in this thread or task, and what was current before.

    Makes `outer` current: only a fresh token identifies the thread or task later.
    """
    unit._left = Left(outer, info, unit_var.set(outer), takes_all)  # noqa: SLF001 - as below


def set_ended(context: FlowContext) -> None:
    """Remember that the unit has ended, for what still runs with it as the current one."""
    context._ended = True  # noqa: SLF001 - of this very module


def has_ended(context: FlowContext) -> bool:
    """Tell whether the unit has ended, and is current only for what outlives it."""
    return getattr(context, "_ended", False)


senders: set[CodeType] = set()
"""Code objects of functions that pass a message to the server outside the unit in `context`."""


def sent_unit() -> FlowContext | None:
    """Return the unit of the response that the server is sending further up the stack, or None.

    No unit is current during the send, so that callbacks which the server registers capture none.
    Lines that the server logs there, such as its access line, still belong to the unit, which the
    stack shows. Walking the stack costs only those lines; a variable would cost every request.
    """
    frame = sys._getframe(1) if senders else None  # noqa: SLF001 - CPython's and PyPy's
    while frame is not None:
        if frame.f_code in senders:
            found: FlowContext = frame.f_locals["context"]
            return found
        frame = frame.f_back
    return None


def set_trace(context: FlowContext, trace: TraceContext | None) -> None:
    """Remember the trace that an inbound message has named, for what the unit sends."""
    if trace is not None:
        context._trace = trace  # noqa: SLF001 - of this very module


def get_trace(context: FlowContext) -> TraceContext | None:
    """Return the trace that the unit belongs to by its inbound message, or None."""
    return getattr(context, "_trace", None)


def add_facts(context: FlowContext, **facts: Any) -> None:
    """Add facts about the unit for backends, beyond the fields of `FlowContext`.

    Integrations call this only if `headrace.integration.units_are_watched`, so that it costs
    nothing without a backend: once before the unit begins, and again when more is known.

    Args:
        context: the unit.
        facts: for a request `method`, `path`, `route` (the template, or None), `status` and
            `error_type` (of an exception that the framework has answered); for a task `system`,
            `task_id`, `queue`, `queue_ms` (milliseconds), `retries` and `redelivered`.
    """
    try:
        context._facts.update(facts)  # noqa: SLF001 - of this very module
    except AttributeError:
        context._facts = facts  # noqa: SLF001


def facts_of(context: FlowContext) -> dict[str, Any]:
    """Return a copy of the facts that `add_facts` has added to the unit `context`."""
    return dict(getattr(context, "_facts", ()))


def set_span(context: FlowContext, span: Any) -> None:
    """Store the OpenTelemetry span that the unit runs in."""
    context._span = span  # noqa: SLF001 - of this very module


def get_span(context: FlowContext) -> Any:
    """Return the OpenTelemetry span that the unit runs in, or None."""
    return getattr(context, "_span", None)


def current_flow_id() -> str | None:
    """Return the correlation ID of the current unit of work, or None outside any."""
    context = unit_var.get()
    return None if context is None else context.correlation_id


def get_flow_context() -> FlowContext | None:
    """Return the `FlowContext` of the current unit of work, or None outside any."""
    return unit_var.get()


def get_flow_context_value(key: str, default: Any = None) -> Any:
    """Return the current unit's metadata value under `key`, or `default`."""
    context = unit_var.get()
    return default if context is None else context.get_value(key, default)


def set_flow_context_value(key: str, value: Any) -> None:
    """Set the metadata value under `key`, visible everywhere in the current unit of work.

    Raises:
        OutsideFlowError: no unit of work is active.
    """
    context = unit_var.get()
    if context is None:
        raise OutsideFlowError(
            f"cannot set {key!r}: no unit of work is active here; open one with "
            f"`with headrace.open_context():`, an entrypoint, or an integration's middleware"
        )
    context.set_value(key, value)


def _deep_copy(metadata: dict[str, Any]) -> dict[str, Any]:
    from copy import deepcopy

    memo: dict[int, Any] = {}
    copied = {}
    for key, value in metadata.copy().items():
        try:
            copied[key] = deepcopy(value, memo)
        except Exception as error:
            raise TypeError(
                f"cannot fork: the metadata value {key!r} ({type(value).__name__}) cannot be "
                f"deep-copied; keep such objects outside the flow context"
            ) from error
    return copied
