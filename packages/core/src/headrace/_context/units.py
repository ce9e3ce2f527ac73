"""The life of a unit of work: one way in, one way out, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager, suppress
from contextvars import Token
from typing import TYPE_CHECKING, Any, Never, TypeVar
from weakref import ref

from headrace import _state
from headrace._ids import check_id, valid_id
from headrace._messages.hints import refuse_keyword

from .deadlines import has_forgotten_block, inherited_deadline, min_deadline
from .marks import mark
from .model import (
    FlowContext,
    get_trace,
    left_here,
    restored,
    set_ended,
    set_left,
    set_trace,
    step_var,
    unit_var,
    used_unit,
)
from .suspended import Frame, steer, unregistered

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Iterable,
        Iterator,
    )
    from types import TracebackType

    from headrace._propagation.carriers import RemoteContext
    from headrace._step_info import StepInfo

T = TypeVar("T")

_get_unit, _set_unit, _reset_unit = unit_var.get, unit_var.set, unit_var.reset
_get_step, _set_step = step_var.get, step_var.set


class Unit:
    """A unit of work that begins and ends in one place: a context manager, for one use.

    Leaving restores what was current before, even where that happens in another thread or task
    than entering (a token of `contextvars` would refuse). A signal may raise between any two
    bytecodes: whatever is interrupted, the enclosing unit restores the state before itself.

    Args:
        context: the unit.
        encloses: whether everything opened inside is over at the end, as in the call of a
            function: leaving also discards contexts left open inside.

    Raises:
        RuntimeError: on entering a second time.
    """

    __slots__ = (
        "__weakref__",
        "_encloses",
        "_token",
        "_watch",
        "context",
        "outer",
        "outer_step",
    )

    def __init__(self, context: FlowContext, *, encloses: bool = False) -> None:
        self.context: FlowContext = context
        self._encloses = encloses
        self.outer: FlowContext | None = None
        self.outer_step: StepInfo | None = None
        self._token: Token[FlowContext | None] | None = None
        self._watch: Any = None

    def __enter__(self) -> FlowContext:
        context = self.context
        if self._token is not None:
            raise used_unit(context)
        self.outer = outer = _get_unit()
        self.outer_step = outer_step = _get_step()
        try:
            self._token = _set_unit(context)
            if outer is not None:
                context._unit = ref(self)  # noqa: SLF001 - see `_is_forgotten`
            if outer_step is not None:
                _set_step(None)
            observer = _state.observer
            if observer is not None:
                self._watch = observer.begin_unit(context)
        except BaseException:  # a signal, here or in a backend
            context._ended = True  # noqa: SLF001 - a call could be interrupted once more
            try:
                _set_unit(outer)
            finally:
                _set_step(outer_step)
            raise
        return context

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            try:
                if self._watch is not None:
                    self._watch.end(exc)
            finally:
                self._restore(exc)
                if exc is not None:
                    mark(exc, self.context.correlation_id)
        except BaseException:  # a signal: any of the above may be unfinished
            self._restore_at_once()
            raise

    def _restore(self, exc: BaseException | None) -> None:
        context = self.context
        set_ended(context)
        if _get_unit() is not context:
            self._leave_out_of_order(exc)
            return
        outer, step = self.outer, self.outer_step
        if outer is not None:
            outer, step = restored(outer, step)
        _set_unit(outer)
        if _get_step() is not step:
            _set_step(step)

    def _leave_out_of_order(self, exc: BaseException | None) -> None:
        # Something else has become current meanwhile, and that is not ours to undo. Where it was
        # opened inside this unit it will restore this one in its turn, unless it knows that this
        # one is over. An exception that leaves this unit has left everything inside as well; the
        # end of a generator has not, since its consumer may have opened what is current.
        if self._token is None:
            raise RuntimeError("this unit has not been entered: use it in a `with` statement")
        current, step = _get_unit(), _get_step()
        try:
            _reset_unit(self._token)
        except (
            ValueError,
            RuntimeError,
        ):  # another thread or task ends it, or it has already ended
            return
        has_raised = exc is not None and not isinstance(exc, GeneratorExit)
        everything = self._encloses or has_raised or _is_forgotten(current)
        if self._is_discarded():
            everything = False
        set_left(self.context, self.outer, self.outer_step, takes_all=everything)
        if everything:
            self._discard(current)
            current, step = self.outer, self.outer_step
        current, step = restored(current, step)
        _set_unit(current)
        _set_step(step)

    def _is_discarded(self) -> bool:
        """Tell whether an enclosing unit has been left, and this one with it."""
        left = map(left_here, _enclosing(self.context))
        return any(each is not None and each.takes_all for each in left)

    def _discard(self, current: FlowContext | None) -> None:
        """Record that the units opened inside, up to `current`, have been left as well."""
        for context in _enclosing(current):
            if context is self.context:
                return
            set_left(context, self.outer, self.outer_step, takes_all=True)

    def _restore_at_once(self) -> None:
        self.context._ended = True  # noqa: SLF001 - a call could be interrupted once more
        if self._token is not None:
            with suppress(ValueError, RuntimeError):  # as above
                _reset_unit(self._token)
                _set_step(self.outer_step)


def _is_forgotten(context: FlowContext | None) -> bool:
    """Tell whether nothing can end the unit `context` any more.

    It was never closed, or a signal arrived just before its `__exit__` could begin. The same holds
    for a block that hides the unit, where `context` is None.
    """
    if context is None:
        return has_forgotten_block()
    unit = getattr(context, "_unit", None)
    return unit is not None and unit() is None


def _enclosing(context: FlowContext | None) -> Iterator[FlowContext]:
    """Yield `context` and its enclosing units, up to the first that can no longer be ended."""
    while context is not None:
        yield context
        holder = getattr(context, "_unit", None)
        unit: Unit | None = None if holder is None else holder()
        context = None if unit is None else unit.outer


@contextmanager
def as_current(context: FlowContext) -> Iterator[None]:
    """Make `context` current without reporting a unit of work to the backends.

    For what is said and done about a unit that runs, or would have run, somewhere else.
    """
    outer, outer_step = _get_unit(), _get_step()
    try:
        _set_unit(context)
        _set_step(None)
        yield
    finally:
        unit: FlowContext | None = context
        try:
            unit = _get_unit()
        finally:
            if unit is context:
                try:
                    _set_unit(outer)
                finally:
                    _set_step(outer_step)


class ResumableUnit(Frame):
    """A unit of work that is done in pieces: a response whose body is made after the handler.

    Each piece goes through ``run(function, *args)``, or is awaited by ``wait(awaitable)``. Between
    the pieces nothing of the unit is visible in the thread or task that runs them.

    Args:
        context: the unit, which begins at once.
    """

    __slots__ = ("_ended", "_watch", "context")

    def __init__(self, context: FlowContext) -> None:
        super().__init__(context, None)
        self.context: FlowContext = context
        self._ended = False
        self._watch: Any = None
        observer = _state.observer
        if observer is not None and observer.watches_units:
            self._watch = self.begin(observer.begin_unit, context)

    def end(self, exc: BaseException | None = None) -> None:
        """End the unit; a second call reports nothing more, and only marks `exc` with the ID."""
        if not self._ended:
            self._ended = True
            set_ended(self.context)
            if self._watch is not None:
                # Later code has the same variables: an ended span is still a valid parent.
                others = self._others
                self.finish(self._watch.end, exc)
                self._others = others
        if exc is not None:
            mark(exc, self.context.correlation_id, unit_var.get())

    def iterate(self, body: Iterable[T]) -> Iterator[T]:
        """Yield from `body` inside the unit, which ends when the body is exhausted or closed.

        The body is also closed inside the unit, even if that has ended with its last chunk.
        """
        iterator: Iterator[T] = self.run(body.__iter__)
        try:
            while True:
                try:
                    item = self.run(iterator.__next__)
                except StopIteration:
                    break
                yield item
                del item  # or two of them would be in memory at once
        except BaseException as exc:
            self._close(body, exc)
            raise
        self.end()
        self._close(body, None)

    def _close(self, body: Any, exc: BaseException | None) -> None:
        try:
            close = getattr(body, "close", None)
            if close is not None:
                self.run(close)
        except BaseException as failure:
            self.end(failure)
            raise
        self.end(None if isinstance(exc, GeneratorExit) else exc)

    async def aiterate(self, body: AsyncIterable[T]) -> AsyncIterator[T]:
        """Yield from the asynchronous `body` inside the unit, as `iterate` does."""
        run = self.run
        iterator = run(aiter, body)
        try:
            following = unregistered(anext, iterator)
            while True:
                try:
                    item = await steer(following, run)
                except StopAsyncIteration:
                    break
                yield item
                del item
                following = anext(iterator)
        except BaseException as exc:
            await self._aclose(iterator, exc)
            raise
        self.end()
        await self._aclose(iterator, None)

    async def _aclose(self, iterator: Any, exc: BaseException | None) -> None:
        try:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await steer(close(), self.run)
        except BaseException as failure:
            self.end(failure)
            raise
        self.end(None if isinstance(exc, GeneratorExit) else exc)


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
    from headrace._propagation.carriers import RemoteContext

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
            correlation_id = _state.inbound_id(remote.trace)
        if remote.metadata:
            metadata = {**remote.metadata, **(metadata or {})}
        cause = valid_id(remote.causation_id) or cause
        deadline = min_deadline(deadline, remote.deadline)
    if correlation_id is None:
        correlation_id = _state.opening_id() if outer is None else outer.correlation_id
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
        return FlowContext(_state.opening_id(), None, kind, name, None, metadata)
    correlation_id, trace = remote.correlation_id, remote.trace
    if not correlation_id:
        correlation_id = _state.opening_id() if trace is None else _state.inbound_id(trace)
    context = FlowContext(
        correlation_id, remote.causation_id, kind, name, remote.deadline, metadata
    )
    set_trace(context, trace)
    return context
