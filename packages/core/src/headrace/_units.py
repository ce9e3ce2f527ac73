"""The life of a unit of work: one way in, one way out, no I/O."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from . import _runtime
from ._context import FlowContext, set_ended, step_var, unit_var
from ._deadlines import inherited_deadline
from ._frames import Frame, steer
from ._ids import is_valid_id
from ._marks import mark

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
    )
    from types import TracebackType

    from ._propagation import RemoteContext
    from ._step_info import StepInfo

T = TypeVar("T")


class Unit:
    """A unit of work that begins and ends in one place: a context manager.

    Leaving restores what was current before, even where that happens in another thread or task
    than entering (a token of `contextvars` would refuse).
    """

    __slots__ = ("_outer", "_outer_step", "_watch", "context")

    def __init__(self, context: FlowContext) -> None:
        self.context = context
        self._outer: FlowContext | None = None
        self._outer_step: StepInfo | None = None
        self._watch: Any = None

    def __enter__(self) -> FlowContext:
        context = self.context
        self._outer = unit_var.get()
        self._outer_step = step_var.get()
        unit_var.set(context)
        if self._outer_step is not None:
            step_var.set(None)
        observer = _runtime.observer
        if observer is not None:
            try:
                self._watch = observer.begin_unit(context)
            except BaseException:  # a KeyboardInterrupt while a backend runs
                self._restore()
                raise
        return context

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._watch is not None:
                self._watch.end(exc)
        finally:
            self._restore()
        if exc is not None:
            mark(exc, self.context.correlation_id)

    def _restore(self) -> None:
        # Where something else has become current meanwhile, that is not ours to undo.
        if unit_var.get() is self.context:
            unit_var.set(self._outer)
            if step_var.get() is not self._outer_step:
                step_var.set(self._outer_step)
        set_ended(self.context)


async def run_asgi(
    context: FlowContext,
    app: Callable[[Any, Any, Any], Awaitable[None]],
    scope: Any,
    receive: Any,
    send: Any,
) -> None:
    """Await an ASGI application in a unit of work: `Unit` in one frame, for the hottest path."""
    outer, outer_step = unit_var.get(), step_var.get()
    unit_var.set(context)
    try:
        if outer_step is not None:
            step_var.set(None)
        observer = _runtime.observer
        watch = None
        if observer is not None and observer.watches_units:
            watch = observer.begin_unit(context)
        try:
            await app(scope, receive, send)
        except BaseException as exc:
            mark(exc, context.correlation_id)
            if watch is not None:
                watch.end(exc)
            raise
        if watch is not None:
            watch.end(None)
    finally:
        # Where something else has become current meanwhile, that is not ours to undo.
        if unit_var.get() is context:
            unit_var.set(outer)
            if step_var.get() is not outer_step:
                step_var.set(outer_step)
        set_ended(context)


@contextmanager
def as_current(context: FlowContext) -> Iterator[None]:
    """Make `context` current without reporting a unit of work to the backends.

    For what is said and done about a unit that runs, or would have run, somewhere else.
    """
    outer, outer_step = unit_var.get(), step_var.get()
    unit_var.set(context)
    step_var.set(None)
    try:
        yield
    finally:
        unit_var.set(outer)
        step_var.set(outer_step)


class ResumableUnit:
    """A unit of work that is done in pieces: a response whose body is made after the handler.

    Between the pieces nothing of it is visible in the thread or task that runs them.
    """

    __slots__ = ("_ended", "_frame", "_watch", "context")

    def __init__(self, context: FlowContext) -> None:
        self.context = context
        self._ended = False
        self._frame = Frame(context, None)
        self._watch: Any = None
        observer = _runtime.observer
        if observer is not None and observer.watches_units:
            self._watch = self._frame.begin(observer.begin_unit, context)

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` inside the unit."""
        return self._frame.run(function, *args)

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Await `awaitable` inside the unit."""
        return await self._frame.wait(awaitable)

    def end(self, exc: BaseException | None = None) -> None:
        """End the unit; a second call does nothing."""
        if self._ended:
            return
        self._ended = True
        set_ended(self.context)
        if self._watch is not None:
            self._frame.finish(self._watch.end, exc)
        if exc is not None:
            mark(exc, self.context.correlation_id)

    def iterate(self, body: Iterable[T]) -> Iterator[T]:
        """Yield from `body` inside the unit, which ends when the body does or is closed."""
        iterator: Iterator[T] = self.run(body.__iter__)
        failure: BaseException | None = None
        try:
            while True:
                try:
                    item = self.run(iterator.__next__)
                except StopIteration:
                    return
                yield item
        except BaseException as exc:
            failure = exc
            raise
        finally:
            try:
                close = getattr(body, "close", None)
                if close is not None:
                    self.run(close)
            finally:
                self.end(None if isinstance(failure, GeneratorExit) else failure)

    async def aiterate(self, body: AsyncIterable[T]) -> AsyncIterator[T]:
        """Yield from the asynchronous `body` inside the unit, as `iterate` does."""
        run = self._frame.run
        iterator = run(aiter, body)
        failure: BaseException | None = None
        try:
            while True:
                try:
                    item = await steer(anext(iterator), run)
                except StopAsyncIteration:
                    return
                yield item
        except BaseException as exc:
            failure = exc
            raise
        finally:
            try:
                close = getattr(iterator, "aclose", None)
                if close is not None:
                    await steer(close(), run)
            finally:
                self.end(None if isinstance(failure, GeneratorExit) else failure)


def open_context(
    correlation_id: str | None = None,
    *,
    remote: RemoteContext | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Unit:
    """Open a unit of work by hand: in a script, a message consumer, a test.

    Inside a unit the new one keeps that unit's correlation ID unless it is given another, and
    names that unit as its cause. ``as context`` gives the `FlowContext`; at the end of the block
    what was current before is current again.

    Args:
        correlation_id: 1 to 128 characters out of ``A-Z a-z 0-9 . _ -``; made if not given.
        remote: what `extract` read from a message's headers.
        metadata: the unit's first metadata.

    Raises:
        ValueError: `correlation_id` is not a valid ID.
    """
    if correlation_id is not None and not is_valid_id(correlation_id):
        raise ValueError(
            "correlation_id must be a string of 1 to 128 characters out of A-Z a-z 0-9 . _ -; "
            "pass nothing to have one made"
        )
    context = nested_context("manual", None, correlation_id, remote, metadata)
    return Unit(context)


def nested_context(
    kind: str,
    name: str | None,
    correlation_id: str | None = None,
    remote: RemoteContext | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> FlowContext:
    """Make the context of a unit whose cause is the current one, if there is one."""
    outer = unit_var.get()
    cause = None if outer is None else outer.unit_id
    deadline = inherited_deadline(outer)
    if remote is not None:
        correlation_id = correlation_id or remote.correlation_id
        cause = remote.causation_id or cause
        deadline = min_deadline(deadline, remote.deadline)
    if correlation_id is None:
        correlation_id = _runtime.opening_id() if outer is None else outer.correlation_id
    return FlowContext(correlation_id, cause, kind, name, deadline, metadata)


def transport_context(
    kind: str,
    name: str | None = None,
    remote: RemoteContext | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> FlowContext:
    """Make the context of a request or message: it never joins what happens to be active."""
    if remote is None:
        return FlowContext(_runtime.opening_id(), None, kind, name, None, metadata)
    return FlowContext(
        remote.correlation_id or _runtime.opening_id(),
        remote.causation_id,
        kind,
        name,
        remote.deadline,
        metadata,
    )


def min_deadline(first: float | None, second: float | None) -> float | None:
    """Return the earlier of two deadlines, either of which may be None."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)
