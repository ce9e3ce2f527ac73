"""One unit of work: its IDs, its metadata, and the functions that read the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from headrace._errors import OutsideFlowError
from headrace._ids import check_id, new_correlation_id, new_unit_id
from headrace._messages.text import printable
from headrace._process.locks import make_once

from .attachments import get_trace, set_trace
from .deadlines import inherited_deadline, min_deadline
from .units import Unit, used_unit
from .variables import get_step, get_unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from itertools import count
    from types import TracebackType
    from weakref import ref

    from headrace._tracing.w3c import TraceContext

    from .leaving import Left


class FlowContext:
    """One unit of work: an HTTP request, a task, a command, a script.

    All code that runs in the unit shares this object and its metadata, including threads, tasks
    and sync dependencies. `fork` isolates code from it.

    Attributes:
        correlation_id: the ID of the whole operation, the same in every process involved.
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
        "_outer",
        "_span",
        "_steps",
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
    _outer: FlowContext | None  # of a nested unit until it ends: the one that was current before it
    _span: Any  # OpenTelemetry's: the unit's own span, or the one around it
    _unit: ref[Unit]  # of a nested unit: alive while something can still end it
    _steps: count[int]  # of the steps so far, set if the unit gets a log line
    _trace: TraceContext
    # Created on first use, since most units have no metadata and cause no other unit.
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

    # No __getattr__ here: its mere presence slows down every attribute access.

    @property
    def unit_id(self) -> str:
        """The ID of this unit, 16 lower-case hex digits."""
        try:
            return self._unit_id
        except AttributeError:
            make_once(self, "_unit_id", new_unit_id)
            return self._unit_id

    @property
    def _metadata(self) -> dict[str, Any]:
        try:
            return self._values
        except AttributeError:
            make_once(self, "_values", dict)
            return self._values

    @property
    def flow(self) -> str | None:
        """The name of the flow that is current at the time of reading, or None."""
        info = get_step()
        return None if info is None else info.flow or None

    @property
    def step(self) -> str | None:
        """The name of the step that is current at the time of reading, or None."""
        info = get_step()
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
        if hasattr(self, "_entered") or get_unit() is self:
            raise used_unit(self)
        self.correlation_id = check_id(self.correlation_id)
        self.deadline = min_deadline(self.deadline, inherited_deadline(get_unit()))
        self._entered = unit = Unit(self)
        unit.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the unit and restore the previous context."""
        try:
            unit = self._entered
        except AttributeError:
            return
        if unit is not None:
            self._entered = None  # breaks the reference cycle
            unit.__exit__(exc_type, exc, traceback)

    def __repr__(self) -> str:
        """Show the IDs of the unit, but not its metadata, which may be private."""
        return printable(
            f"<FlowContext {self.kind} {self.name or '-'} correlation_id={self.correlation_id} "
            f"unit_id={self.unit_id} causation_id={self.causation_id or '-'}>"
        )


class RequestContext(FlowContext):
    """The context of an ordinary request, created twice as fast as by ``FlowContext(...)``.

    The caller sets `correlation_id`, `causation_id`, `kind`, `name` and `deadline`.
    """

    __slots__ = ()

    __init__: Any = object.__init__  # a call of a Python function would take most of the time


def request_context(correlation_id: str, kind: str, name: str | None) -> FlowContext:
    """Return the context of an ordinary request, as ``FlowContext(...)`` would.

    Args:
        correlation_id: a valid ID.
        kind: ``http`` or ``websocket``.
        name: the route or path, or None.
    """
    context: FlowContext = RequestContext()
    context.correlation_id = correlation_id
    context.causation_id = None
    context.kind = kind
    context.name = name
    context.deadline = None
    return context


def current_flow_id() -> str | None:
    """Return the correlation ID of the current unit of work, or None outside any."""
    context = get_unit()
    return None if context is None else context.correlation_id


def get_flow_context() -> FlowContext | None:
    """Return the `FlowContext` of the current unit of work, or None outside any."""
    return get_unit()


def get_flow_context_value(key: str, default: Any = None) -> Any:
    """Return the current unit's metadata value under `key`, or `default`."""
    context = get_unit()
    return default if context is None else context.get_value(key, default)


def set_flow_context_value(key: str, value: Any) -> None:
    """Set the metadata value under `key`, visible everywhere in the current unit of work.

    Raises:
        OutsideFlowError: no unit of work is active.
    """
    context = get_unit()
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
