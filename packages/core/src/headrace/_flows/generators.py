"""Wrappers for functions whose results run later: generators, and coroutines in disguise.

These wrappers are plain functions: a generator belongs to the unit and step of its call, and a
generator function would run nothing until the first item is requested.
"""

from __future__ import annotations

import functools
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from headrace import _state
from headrace._callables import kind_of, with_kind
from headrace._context.marks import mark
from headrace._context.pieces import run_async_generator, run_generator, steer
from headrace._context.suspended import SuspendedContext
from headrace._context.variables import get_budget, get_unit

from .opening import check_outside, entered

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._context.dispatcher import Dispatcher
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

    from .opening import Opening


def generator_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    return _generator_wrapper(function, info, lambda: None, run_generator)


def async_generator_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    return _generator_wrapper(function, info, lambda: None, run_async_generator)


def generator_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    return _generator_wrapper(function, info, functools.partial(entered, opening), run_generator)


def async_generator_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    return _generator_wrapper(
        function, info, functools.partial(entered, opening), run_async_generator
    )


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
        unit = opened or get_unit()
        if unit is None:
            check_outside(info)
            return function(*args, **kwargs)
        pieces = _Pieces(info, unit, opened is not None)
        driven = driver(pieces)
        pieces.body = function(*args, **kwargs)
        driven.__name__ = function_name
        driven.__qualname__ = qualname
        return driven

    return with_kind(wrapper, kind_of(function))


def disguised_wrapper(
    function: Callable[..., Any],
    info: StepInfo,
    opening: Callable[[], FlowContext | None],
) -> Callable[..., Any]:
    """Wrap a plain function around a coroutine or generator function; its result shows which."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        opened = opening()
        unit = opened or get_unit()
        if unit is None:
            check_outside(info)
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
    GeneratorType: run_generator,
    AsyncGeneratorType: run_async_generator,
}


class _Pieces:
    """The unit, step and reports of one generator, active around each of its pieces."""

    __slots__ = (
        "_begun",
        "_context",
        "_dispatcher",
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
        self._context = SuspendedContext(unit, info, get_budget())
        self._dispatcher = _state.dispatcher
        self._report: Any = None
        self._state: Any = None
        self._begun = False
        self.run = self._context.run

    def begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self._dispatcher is not None and self._dispatcher.enabled():
            self._context.begin(self._begin_reports, self._dispatcher)

    def _begin_reports(self, dispatcher: Dispatcher) -> None:
        if self._opens and dispatcher.wants_units():
            self._report = dispatcher.begin_unit(self._unit)
        self._state = dispatcher.begin(self._info, self._unit)

    def end(self, exc: BaseException | None) -> None:
        if self._state is not None and self._dispatcher is not None:
            self._context.finish(self._dispatcher.end, self._state, exc)
        if self._report is not None:
            self._context.finish(self._report.end, exc)
        if self._opens and exc is not None:
            mark(exc, self._unit)
