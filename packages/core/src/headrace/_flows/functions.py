"""Wrappers that turn a function or a coroutine function into a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace import _state
from headrace._context.marks import mark
from headrace._context.model import FlowContext
from headrace._context.opening import make_id, opening_id
from headrace._context.units import Unit
from headrace._context.variables import (
    get_budget,
    get_step,
    get_unit,
    reset_step,
    reset_unit,
    set_step,
    set_unit,
)

from .opening import check_outside, entry_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._step_info import StepInfo

    from .opening import Opening


def sync_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        unit = get_unit()
        if unit is None:
            check_outside(info)
            return function(*args, **kwargs)
        dispatcher = _state.dispatcher
        token = set_step(info)
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
            reset_step(token)

    return wrapper


def async_step(function: Callable[..., Any], info: StepInfo) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        unit = get_unit()
        if unit is None:
            check_outside(info)
            return await function(*args, **kwargs)
        dispatcher = _state.dispatcher
        outer = get_step()
        token = set_step(info)
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
                reset_step(token)
            except ValueError:  # closed in a different context from the one it started in
                if get_step() is info and get_unit() is unit:
                    set_step(outer)

    return wrapper


def sync_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    step = sync_step(function, info)
    kind, name, new = opening
    first_id = make_id if new else opening_id

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        outer = get_unit()
        if outer is not None and not new:
            return step(*args, **kwargs)
        dispatcher = _state.dispatcher
        observed = dispatcher is not None and dispatcher.enabled()
        if observed or outer is not None or get_budget() is not None:
            with Unit(entry_context(opening, outer), encloses=True):
                return step(*args, **kwargs)
        context = FlowContext(first_id(), None, kind, name)
        unit_token = step_token = None
        # Fast path, for unit and step together: no backend is listening.
        try:
            unit_token = set_unit(context)
            step_token = set_step(info)
            return function(*args, **kwargs)
        except BaseException as exc:
            if step_token is None:  # a signal arrived before the function was called
                set_step(None)
                set_unit(None)
            mark(exc, context)
            raise
        finally:
            if unit_token is not None and step_token is not None:
                try:
                    reset_step(step_token)
                finally:
                    reset_unit(unit_token)

    return wrapper


def async_entrypoint(
    function: Callable[..., Any], info: StepInfo, opening: Opening
) -> Callable[..., Any]:
    step = async_step(function, info)
    new = opening.new

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        outer = get_unit()
        if outer is not None and not new:
            return await step(*args, **kwargs)
        with Unit(entry_context(opening, outer), encloses=True):
            return await step(*args, **kwargs)

    return wrapper
