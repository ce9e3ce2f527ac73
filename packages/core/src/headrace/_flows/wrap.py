"""The choice of wrapper that turns a function into a step, by the kind of function."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from headrace._callables import is_disguised, kind_of, wraps

from .functions import async_entrypoint, async_step, sync_entrypoint, sync_step
from .generators import (
    async_generator_entrypoint,
    async_generator_step,
    disguised_wrapper,
    generator_entrypoint,
    generator_step,
)
from .opening import entered

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._step_info import StepInfo

    from .opening import Opening


def wrap_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    """Return `function` as the step `info`, current in the context and reported while it runs."""
    if is_disguised(function):
        return wraps(function)(disguised_wrapper(function, info, lambda: None))
    return wraps(function)(_maker(function, _STEP_MAKERS)(function, info))


def wrap_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    """Return `function` as an entrypoint: a step that opens a unit of work if none is active.

    Args:
        function: the user's function.
        info: the declaration of the step.
        opening: the unit to open.
    """
    if is_disguised(function):
        opens = functools.partial(entered, opening)
        return wraps(function)(disguised_wrapper(function, info, opens))
    maker = _maker(function, _ENTRYPOINT_MAKERS)
    return wraps(function)(maker(function, info, opening))


_STEP_MAKERS = {
    0: sync_step,
    inspect.CO_COROUTINE: async_step,
    inspect.CO_GENERATOR: generator_step,
    inspect.CO_ASYNC_GENERATOR: async_generator_step,
}
_ENTRYPOINT_MAKERS = {
    0: sync_entrypoint,
    inspect.CO_COROUTINE: async_entrypoint,
    inspect.CO_GENERATOR: generator_entrypoint,
    inspect.CO_ASYNC_GENERATOR: async_generator_entrypoint,
}


def _maker(function: Callable[..., Any], makers: dict[int, Any]) -> Any:
    return makers[kind_of(function)]
