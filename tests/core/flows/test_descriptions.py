"""A step is described by the function that it wraps, through any wrappers."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from headrace import Chain, StepInfo
from tests.core.flow_kit import new_flow

if TYPE_CHECKING:
    from collections.abc import Callable


def ship(order: int, carrier: str = "mail") -> tuple[int, str]:
    """Ship it.

    By mail.
    """
    return order, carrier


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function around `function`, as decorators do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Shipping:
    """Settings of the carrier."""

    def __call__(self, order: int = 1) -> int:
        """Ship it."""
        return order

    def ship(self, order: int = 1) -> int:
        """Ship it."""
        return order


class Express(Shipping):
    """Settings of another carrier."""

    def ship(self, order: int = 1) -> int:
        return order + 1


WRAPPED = {
    "partial": functools.partial(ship, 1),
    "partial of a partial": functools.partial(functools.partial(ship, 1), carrier="dhl"),
    "cache": functools.cache(ship),
    "partial of a cache": functools.partial(functools.cache(ship), 1),
    "wraps": logged(ship),
    "partial of wraps": functools.partial(logged(ship), 1),
    "wraps of a partial": logged(functools.partial(ship, 1)),
    "update_wrapper of a partial": functools.update_wrapper(functools.partial(ship, 1), ship),
    "singledispatch": functools.singledispatch(ship),
    "bound method": Shipping().ship,
    "partial of a bound method": functools.partial(Shipping().ship, 1),
    "partial of an object": functools.partial(Shipping(), 1),
}
LINES = {
    function: inspect.getsourcelines(function)[1]
    for function in (ship, Shipping.ship, Shipping.__call__)
}


def line_of(name: str) -> int:
    """Return the first line of the function of WRAPPED[name]."""
    if "object" in name:
        return LINES[Shipping.__call__]
    return LINES[Shipping.ship if "method" in name else ship]


def by_step(function: Any) -> StepInfo:
    """Declare `function` as a step."""
    flow = new_flow()
    flow.step(name="the_step")(function)
    return flow.graph().steps["the_step"]


def by_entrypoint(function: Any) -> StepInfo:
    """Declare `function` as an entrypoint."""
    flow = new_flow()
    flow.entrypoint(name="the_step")(function)
    return flow.graph().steps["the_step"]


def by_chain(function: Any) -> StepInfo:
    """Make `function` a step of a chain."""
    chain = Chain().next(function, args=[], name="the_step")
    return chain.graph().steps["the_step"]


@pytest.mark.guarantee(74)
@pytest.mark.parametrize("declared", [by_step, by_entrypoint, by_chain])
@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped_function_is_what_is_described(
    name: str, declared: Callable[[Any], StepInfo]
) -> None:
    """Description, file and line are the function's, through partials and other wrappers."""
    info = declared(WRAPPED[name])
    assert info.description == "Ship it."
    assert (info.file, info.line) == (__file__, line_of(name))


@pytest.mark.guarantee(74)
def test_object_in_a_chain_is_described_by_what_is_called() -> None:
    """A callable object has the description and the place of its `__call__`."""
    info = by_chain(Shipping())
    assert info.description == "Ship it."
    assert (info.file, info.line) == (__file__, LINES[Shipping.__call__])


@pytest.mark.guarantee(74)
@pytest.mark.parametrize("declared", [by_step, by_chain])
def test_own_docstring_of_a_partial_wins(declared: Callable[[Any], StepInfo]) -> None:
    """A docstring set on a partial is its description."""
    partial = functools.partial(ship, 1)
    partial.__doc__ = "Ship the first."
    assert declared(partial).description == "Ship the first."


@pytest.mark.guarantee(74)
@pytest.mark.parametrize("declared", [by_step, by_chain])
def test_override_has_the_description_of_its_method(declared: Callable[[Any], StepInfo]) -> None:
    """A method without a docstring is described by the method that it overrides."""
    assert declared(Express().ship).description == "Ship it."


@pytest.mark.guarantee(74)
@pytest.mark.parametrize("decorator", ["step", "entrypoint"])
def test_partial_as_a_step_bears_the_names_of_its_function(decorator: str) -> None:
    """The decorated partial is named and documented like the function, not like a wrapper."""
    decorated = getattr(new_flow(), decorator)(functools.partial(ship, 1))
    assert (decorated.__name__, decorated.__qualname__) == ("ship", "ship")
    assert (decorated.__module__, decorated.__doc__) == (__name__, ship.__doc__)
    assert str(inspect.signature(decorated)) == "(carrier: 'str' = 'mail') -> 'tuple[int, str]'"


def test_object_that_answers_every_attribute_is_described() -> None:
    """An object that wraps itself endlessly is described, and nothing hangs."""

    class Endless:
        def __getattr__(self, name: str) -> Any:
            return self

        def __call__(self) -> None:
            """Answer."""

    assert by_chain(Endless()).description == "Answer."
