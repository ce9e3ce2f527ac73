"""Isolation of backends: whatever a backend does, the user's code runs exactly once.

The first `Exception` of a backend is logged, and none propagates. Anything else, such as a
`KeyboardInterrupt` or a task's time limit that arrives while a backend runs, is not the backend's
error and propagates.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from headrace._exceptions.control_flow import is_interrupt
from headrace._exceptions.masked import without_secrets
from headrace._logger import log

from .protocol import TracingBackend

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo


class ShieldedBackend:
    """A dispatcher for one backend: it logs the first `Exception` and propagates none."""

    __slots__ = (
        "_backend",
        "_begin",
        "_complaints",
        "_end",
        "_unit",
        "enabled",
        "listens_to_units",
    )

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._complaints = count()  # atomic: with a flag, two threads could both log
        self._begin, self._end = _step_hooks(backend)
        self._unit = getattr(backend, "unit", None)
        self.listens_to_units: bool = self._unit is not None
        own: Callable[[], bool] | None = _direct(backend, "_is_on")
        self.enabled = own or self._shielded(getattr(backend, "enabled", None))

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        try:
            return self._begin(step, context)
        except Exception as error:
            self._complain(error)
            return None

    def end(self, state: Any, exc: BaseException | None) -> None:
        if state is None:
            return
        if exc is not None:
            exc = without_secrets(exc)
        try:
            self._end(state, exc)
        except Exception as error:
            if error is not exc:  # raising the given exception is not an error of the manager
                self._complain(error)

    def wants_units(self) -> bool:
        return self.listens_to_units

    def only_logs(self) -> bool:
        return False

    def begin_unit(self, context: FlowContext) -> ManagedUnit | None:
        if self._unit is None or not self.enabled():
            return None
        try:
            manager: AbstractContextManager[Any] = self._unit(context)
            manager.__enter__()
        except Exception as error:
            self._complain(error)
            return None
        return ManagedUnit(self, manager)

    def leave(self, manager: AbstractContextManager[Any], exc: BaseException | None) -> None:
        if exc is not None:
            exc = without_secrets(exc)
        try:
            _leave(manager, exc)
        except Exception as error:
            if error is not exc:
                self._complain(error)

    def _shielded(self, enabled: Callable[[], bool] | None) -> Callable[[], bool]:
        if enabled is None:
            return _always

        def shielded() -> bool:
            try:
                return enabled()
            except Exception as error:
                self._complain(error)
                return False

        return shielded

    def _complain(self, error: Exception) -> None:
        if is_interrupt(error):
            raise error
        if next(self._complaints):
            return
        log.error(
            "backend %s raised; the call continued, and further errors of this backend are not "
            "logged",
            type(self._backend).__name__,
            exc_info=error,
        )


class ManagedUnit:
    """A backend's context manager around one unit of work."""

    __slots__ = ("_backend", "_manager")

    def __init__(self, backend: ShieldedBackend, manager: AbstractContextManager[Any]) -> None:
        self._backend = backend
        self._manager = manager

    def end(self, exc: BaseException | None) -> None:
        self._backend.leave(self._manager, exc)


def _step_hooks(
    backend: Any,
) -> tuple[
    Callable[[StepInfo, FlowContext], Any],
    Callable[[Any, BaseException | None], None],
]:
    begin, end = _direct(backend, "_begin"), _direct(backend, "_end")
    if begin is not None and end is not None:
        return begin, end
    if isinstance(backend, TracingBackend):
        return partial(_enter_by_names, backend), _leave
    return partial(_enter, backend), _leave


def _direct(backend: Any, name: str) -> Any:
    """Return a private method of a built-in backend, which needs no context manager per step.

    A subclass that overrides the public methods is called through them.
    """
    return getattr(backend, name, None) if "_headrace_direct" in vars(type(backend)) else None


def _enter(backend: Any, step: StepInfo, context: FlowContext) -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = backend.span(step, context)
    manager.__enter__()
    return manager


def _enter_by_names(
    backend: TracingBackend, step: StepInfo, _context: FlowContext
) -> AbstractContextManager[Any]:
    manager = backend.span(
        step.name,
        step.flow,
        after=step.after,
        kind=step.kind,
        is_entrypoint=step.is_entrypoint,
        description=step.description,
        file=step.file,
        line=step.line,
    )
    manager.__enter__()
    return manager


def _leave(manager: AbstractContextManager[Any], exc: BaseException | None) -> None:
    # The result of __exit__ is ignored, so that a backend cannot swallow an error.
    manager.__exit__(
        None if exc is None else type(exc), exc, None if exc is None else exc.__traceback__
    )


def _always() -> bool:
    return True
