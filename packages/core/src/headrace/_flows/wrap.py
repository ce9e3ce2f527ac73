"""Wrappers that make a function a step: for functions, coroutines, generators, async generators."""

from __future__ import annotations

import functools
import inspect
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace import _state
from headrace._callables import is_disguised, kind_of, taken_for, wraps
from headrace._context.deadlines import inherited_deadline
from headrace._context.marks import mark
from headrace._context.model import FlowContext
from headrace._context.opening import make_id, opening_id
from headrace._context.pieces import drive, drive_async, steer
from headrace._context.suspended import Frame
from headrace._context.units import Unit
from headrace._context.variables import budget_var, step_var, unit_var
from headrace._errors import OutsideFlowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._context.dispatcher import Dispatcher
    from headrace._step_info import StepInfo

_current_unit = unit_var.get
_budget = budget_var.get
_set_unit = unit_var.set
_reset_unit = unit_var.reset
_current_step = step_var.get
_set_step = step_var.set
_reset_step = step_var.reset


def wrap_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    """Return `function` as the step `info`: set in the context and reported while it runs."""
    if is_disguised(function):
        return wraps(function)(_disguised_wrapper(function, info, lambda: None))
    return wraps(function)(_maker(function, _STEP_MAKERS)(function, info))


class Opening(NamedTuple):
    """The unit of work that an entrypoint opens if none is active.

    Attributes:
        kind: ``flow`` or ``task``.
        name: the name of the flow or task.
        new: open a unit with a new correlation ID even if one is active.
    """

    kind: str
    name: str
    new: bool = False


def wrap_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    """Return `function` as an entrypoint: a step that opens a unit of work if none is active.

    Args:
        function: the user's function.
        info: its declaration.
        opening: the unit.
    """
    if is_disguised(function):
        entered = functools.partial(_entered, opening)
        return wraps(function)(_disguised_wrapper(function, info, entered))
    maker = _maker(function, _ENTRYPOINT_MAKERS)
    return wraps(function)(maker(function, info, opening))


def _outside(info: StepInfo) -> None:
    if _state.settings.strict:
        raise OutsideFlowError(
            f"step {info.name!r} of flow {info.flow!r} was called outside any unit of work; open "
            f"one with an entrypoint, `with headrace.open_context():` or an integration's "
            f"middleware, or configure(strict=False)"
        )


def _entry_context(opening: Opening, outer: FlowContext | None) -> FlowContext:
    cause = None if outer is None else outer.unit_id
    correlation_id = make_id() if opening.new else opening_id()
    return FlowContext(correlation_id, cause, opening.kind, opening.name, inherited_deadline(outer))


# --- functions ---------------------------------------------------------------------------------


def _sync_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        unit = _current_unit()
        if unit is None:
            _outside(info)
            return function(*args, **kwargs)
        dispatcher = _state.dispatcher
        token = _set_step(info)
        try:
            if dispatcher is None or not dispatcher.enabled():
                return function(*args, **kwargs)
            state = dispatcher.begin(info, unit)
            try:
                result = function(*args, **kwargs)
            except BaseException as exc:
                dispatcher.end(state, exc)
                raise
            dispatcher.end(state, None)
            return result
        finally:
            _reset_step(token)

    return wrapper


def _async_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        unit = _current_unit()
        if unit is None:
            _outside(info)
            return await function(*args, **kwargs)
        dispatcher = _state.dispatcher
        outer = _current_step()
        token = _set_step(info)
        try:
            if dispatcher is None or not dispatcher.enabled():
                return await function(*args, **kwargs)
            state = dispatcher.begin(info, unit)
            try:
                result = await function(*args, **kwargs)
            except BaseException as exc:
                dispatcher.end(state, exc)
                raise
            dispatcher.end(state, None)
            return result
        finally:
            try:
                _reset_step(token)
            except ValueError:  # closed in another context than the one it started in
                if _current_step() is info and _current_unit() is unit:
                    _set_step(outer)

    return wrapper


def _sync_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    step = _sync_step(function, info)
    kind, name, new = opening
    first_id = make_id if new else opening_id

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        outer = _current_unit()
        if outer is not None and not new:
            return step(*args, **kwargs)
        dispatcher = _state.dispatcher
        observed = dispatcher is not None and dispatcher.enabled()
        if observed or outer is not None or _budget() is not None:
            with Unit(_entry_context(opening, outer), encloses=True):
                return step(*args, **kwargs)
        context = FlowContext(first_id(), None, kind, name)
        unit_token = step_token = None
        # Unit and step combined: the fast path, no backend is listening.
        try:
            unit_token = _set_unit(context)
            step_token = _set_step(info)
            return function(*args, **kwargs)
        except BaseException as exc:
            if step_token is None:  # a signal before the call of the function
                _set_step(None)
                _set_unit(None)
            mark(exc, context.correlation_id)
            raise
        finally:
            if unit_token is not None and step_token is not None:
                try:
                    _reset_step(step_token)
                finally:
                    _reset_unit(unit_token)

    return wrapper


def _async_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    step = _async_step(function, info)
    new = opening.new

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        outer = _current_unit()
        if outer is not None and not new:
            return await step(*args, **kwargs)
        with Unit(_entry_context(opening, outer), encloses=True):
            return await step(*args, **kwargs)

    return wrapper


# --- generators --------------------------------------------------------------------------------
#
# These wrappers are plain functions: a generator belongs to the unit and step of its call, and a
# generator function would run nothing before the first item is requested.


def _generator_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    return _generator_wrapper(function, info, lambda: None, drive)


def _async_generator_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    return _generator_wrapper(function, info, lambda: None, drive_async)


def _generator_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    return _generator_wrapper(function, info, functools.partial(_entered, opening), drive)


def _async_generator_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    return _generator_wrapper(function, info, functools.partial(_entered, opening), drive_async)


def _entered(opening: Opening) -> FlowContext | None:
    outer = _current_unit()
    return _entry_context(opening, outer) if opening.new or outer is None else None


def _generator_wrapper(
    function: Callable[..., Any],
    info: StepInfo,
    opening: Callable[[], FlowContext | None],
    driver: Callable[..., Any],
) -> Callable[..., Any]:
    function_name = getattr(function, "__name__", info.name)
    qualname = getattr(function, "__qualname__", info.name)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        opened = opening()
        unit = opened or _current_unit()
        if unit is None:
            _outside(info)
            return function(*args, **kwargs)
        pieces = _Pieces(info, unit, opened is not None)
        driven = driver(pieces)
        pieces.body = function(*args, **kwargs)
        driven.__name__ = function_name
        driven.__qualname__ = qualname
        return driven

    return taken_for(wrapper, kind_of(function))


def _disguised_wrapper(
    function: Callable[..., Any],
    info: StepInfo,
    opening: Callable[[], FlowContext | None],
) -> Callable[..., Any]:
    """Wrap a plain function that hides one of another kind; its result shows if that has run."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        opened = opening()
        unit = opened or _current_unit()
        if unit is None:
            _outside(info)
            return function(*args, **kwargs)
        pieces = _Pieces(info, unit, opened is not None)
        pieces.begin()
        try:
            result = pieces.run(functools.partial(function, *args, **kwargs))
        except BaseException as exc:
            pieces.end(exc)
            raise
        continuation = _CONTINUATIONS.get(type(result))
        if continuation is None:
            pieces.end(None)
            return result
        pieces.body = result
        return continuation(pieces)

    return wrapper


async def _drive_coroutine(pieces: _Pieces) -> Any:
    try:
        result = await steer(pieces.body, pieces.run)
    except BaseException as exc:
        pieces.end(exc)
        raise
    pieces.end(None)
    return result


_CONTINUATIONS: dict[type, Callable[..., Any]] = {
    CoroutineType: _drive_coroutine,
    GeneratorType: drive,
    AsyncGeneratorType: drive_async,
}


class _Pieces:
    """The unit, step and reports of one generator, around each of its pieces."""

    __slots__ = (
        "_begun",
        "_dispatcher",
        "_frame",
        "_info",
        "_opens",
        "_report",
        "_state",
        "_unit",
        "body",
        "run",
    )

    body: Any

    def __init__(self, info: StepInfo, unit: FlowContext, opens: bool) -> None:
        self._info = info
        self._unit = unit
        self._opens = opens
        self._frame = Frame(unit, info, _budget())
        self._dispatcher = _state.dispatcher
        self._report: Any = None
        self._state: Any = None
        self._begun = False
        self.run = self._frame.run

    def begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self._dispatcher is not None and self._dispatcher.enabled():
            self._frame.begin(self._begin_reports, self._dispatcher)

    def _begin_reports(self, dispatcher: Dispatcher) -> None:
        if self._opens:
            self._report = dispatcher.begin_unit(self._unit)
        self._state = dispatcher.begin(self._info, self._unit)

    def end(self, exc: BaseException | None) -> None:
        if self._state is not None and self._dispatcher is not None:
            self._frame.finish(self._dispatcher.end, self._state, exc)
        if self._report is not None:
            self._frame.finish(self._report.end, exc)
        if self._opens and exc is not None:
            mark(exc, self._unit.correlation_id)


# --- which kind --------------------------------------------------------------------------------

_STEP_MAKERS = {
    0: _sync_step,
    inspect.CO_COROUTINE: _async_step,
    inspect.CO_GENERATOR: _generator_step,
    inspect.CO_ASYNC_GENERATOR: _async_generator_step,
}
_ENTRYPOINT_MAKERS = {
    0: _sync_entrypoint,
    inspect.CO_COROUTINE: _async_entrypoint,
    inspect.CO_GENERATOR: _generator_entrypoint,
    inspect.CO_ASYNC_GENERATOR: _async_generator_entrypoint,
}


def _maker(function: Callable[..., Any], makers: dict[int, Any]) -> Any:
    return makers[kind_of(function)]
