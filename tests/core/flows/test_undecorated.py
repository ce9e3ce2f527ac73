"""Registered functions that bypass their declared step."""

from __future__ import annotations

import functools
import gc
import logging
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from headrace import entrypoint, flow
from headrace.integration import Registration, report_undecorated
from tests.core.flow_kit import new_flow, unused_name

if TYPE_CHECKING:
    from collections.abc import Callable


def found(*functions: Any) -> list[str]:
    """Return the report on `functions`, registered as routes."""
    return report_undecorated(Registration("route '/'", one, "@app.get") for one in functions)


def around(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorator's wrapper of `function`, made with `functools.wraps`."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


class Handler:
    """A class with a method of a request."""

    def get(self) -> None:
        """Answer."""


def fresh() -> Callable[..., Any]:
    """Return a new function that is not a step yet."""

    def plain(*_: Any) -> None: ...

    return plain


def function_of_a_partial() -> Any:
    """Return a function that a step wraps in a partial."""
    function = fresh()
    new_flow().step(functools.partial(function))
    return function


def one_of_two_steps() -> Any:
    """Return one of two steps that share a function."""
    function = fresh()
    new_flow().step(function)
    return new_flow().step(function)


@pytest.mark.guarantee(80)
@pytest.mark.parametrize("decorator", ["entrypoint", "step"])
def test_undecorated_function_is_reported_once(
    caplog: pytest.LogCaptureFixture, decorator: str
) -> None:
    """One warning names the order, the function, its file and its line."""

    def root() -> None: ...

    made = new_flow()
    getattr(made, decorator)(root)
    (line,) = found(root)
    assert found(root) == [line]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("headrace", logging.WARNING)
    assert record.getMessage() == line
    for part in (
        "route '/'",
        "test_undecorated_function_is_reported_once.<locals>.root",
        f"{__file__}:{root.__code__.co_firstlineno}",
        f"its {decorator} {made.name}.root",
        f"put @{decorator} below @app.get",
    ):
        assert part in line


BYPASSING: dict[str, Callable[[Any], Any]] = {
    "the function": lambda function: function,
    "a partial of it": functools.partial,
    "a wrapper of it": around,
    "a partial of a wrapper": lambda function: functools.partial(around(function)),
    "a cache": functools.cache,
}


@pytest.mark.guarantee(80)
@pytest.mark.parametrize("way", BYPASSING)
def test_every_way_around_the_step_is_seen(way: str) -> None:
    """A call that bypasses the step is reported, through any wrappers."""

    def root() -> None: ...

    new_flow().step(root)
    assert len(found(BYPASSING[way](root))) == 1


@pytest.mark.guarantee(80)
def test_methods_are_seen() -> None:
    """Methods of objects, and of classes whose methods answer requests, are reported."""
    new_flow().step(name="get")(Handler.get)
    assert len(found(Handler().get)) == 1
    assert len(found(Handler)) == 1


@pytest.mark.guarantee(80)
def test_step_between_two_others_is_seen() -> None:
    """Of two steps of one function, only the one above the route is reported."""

    def root() -> None: ...

    below, above = new_flow(), new_flow()
    registered = below.step(root)
    above.entrypoint(registered)
    (line,) = found(registered)
    assert above.name in line
    assert below.name not in line


def of_a_class() -> Any:
    """Return a step registered before its class has a flow."""
    registered = []

    class View:
        @entrypoint
        def get(self) -> None: ...

        registered.append(get)

    flow(unused_name())(View)
    return registered[0]


INNOCENT: dict[str, Callable[[], Any]] = {
    "a function that is no step": fresh,
    "the step": lambda: new_flow().step(fresh()),
    "a wrapper of the step": lambda: around(new_flow().step(fresh())),
    "a partial of the step": lambda: functools.partial(new_flow().step(fresh())),
    "a cache of the step": lambda: functools.cache(new_flow().step(fresh())),
    "one of two steps": one_of_two_steps,
    "the function of a partial": function_of_a_partial,
    "the step of a step": lambda: new_flow().step(new_flow().step(around(fresh()))),
    "a step of a class": of_a_class,
    "a class": lambda: new_flow()(type("View", (), {"get": entrypoint(fresh())})),
    "no function": lambda: 7,
    "nothing": lambda: None,
}


@pytest.mark.guarantee(80)
@pytest.mark.parametrize("kind", INNOCENT)
def test_nothing_is_said_where_the_step_runs(kind: str) -> None:
    """Calls through the step and functions without a step are not reported."""
    assert found(INNOCENT[kind]()) == []


@pytest.mark.guarantee(80)
def test_function_that_is_registered_with_its_step_too_is_bare_on_purpose() -> None:
    """A function registered with and without its step is not reported."""

    def root() -> None: ...

    step = new_flow().step(root)
    assert found(root, around(step)) == []
    assert len(found(root)) == 1


def test_looking_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    """Objects and registrations that raise on inspection are skipped."""

    class Hostile:
        __hash__ = None  # type: ignore[assignment]

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    def broken() -> Any:
        yield Registration("route", Hostile(), "@app.get")
        raise LookupError("no routes")

    new_flow().step(fresh())
    assert report_undecorated(broken()) == []
    assert "the check for undecorated" in caplog.text


def test_replaced_function_is_not_kept() -> None:
    """Reloading a module frees its earlier functions."""
    name = unused_name()

    def declare() -> weakref.ref[Any]:
        def root() -> None: ...

        flow(name).step(root)
        return weakref.ref(root)

    earlier, later = declare(), declare()
    gc.collect()
    assert earlier() is None
    assert later() is not None
