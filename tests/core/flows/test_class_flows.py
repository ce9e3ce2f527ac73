"""Flows as classes: methods of every kind, inheritance, and other decorators around them."""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import DuplicateStepError, Flow, entrypoint, flow, get_flow_context, step
from headrace.testing import capture
from tests.core.flow_kit import new_flow, unused_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def here() -> str:
    """Return the current flow and step."""
    context = get_flow_context()
    return "outside" if context is None else f"{context.flow}.{context.step}"


def steps_of(flow: Flow) -> dict[str, tuple[str, ...]]:
    """Return each step's name with what it comes after."""
    return {name: info.after for name, info in flow.graph().steps.items()}


def test_marked_methods_become_the_flows_steps() -> None:
    """The decorated class's methods are its flow's steps, and run as such."""
    made = new_flow()

    @made
    class Orders:
        @entrypoint
        def receive(self, order_id: int) -> list[str]:
            return [here(), *self.validate(order_id)]

        @step(after="receive", description="Look twice.")
        def validate(self, order_id: int) -> list[str]:
            return [here(), str(order_id)]

        def helper(self) -> str:
            return here()

    assert Orders().receive(7) == [f"{made.name}.receive", f"{made.name}.validate", "7"]
    assert Orders().helper() == "outside"
    assert steps_of(made) == {"receive": (), "validate": ("receive",)}
    assert made.graph().steps["validate"].description == "Look twice."
    assert made.graph().entrypoints == ("receive",)


def test_class_is_the_same_class() -> None:
    """Decorating gives the class itself back, with its name, docstring and bases."""

    class Orders:
        """Orders."""

    assert new_flow()(Orders) is Orders


def test_step_may_name_the_one_before_by_the_function() -> None:
    """Inside the class body ``after=`` takes the decorated function above, of any kind."""
    made = new_flow()

    @made
    class Orders:
        @entrypoint
        def receive(self) -> None: ...

        @step(after=receive)
        @staticmethod
        def check() -> None: ...

        @step(after=[receive, check])
        @classmethod
        def charge(cls) -> None: ...

        @step(after=charge)
        def ship(self) -> None: ...

    assert steps_of(made) == {
        "receive": (),
        "check": ("receive",),
        "charge": ("receive", "check"),
        "ship": ("charge",),
    }


def test_methods_of_a_class_can_be_referred_to_from_elsewhere() -> None:
    """Outside the class ``after=`` takes the method, of the class or of an instance."""
    made, other = new_flow(), new_flow()

    @made
    class Orders:
        @entrypoint
        def receive(self) -> None: ...

    @other.step(after=[Orders.receive, Orders().receive])
    def audit() -> None: ...

    @made.step(after=Orders.receive)
    def charge() -> None: ...

    assert steps_of(other) == {"audit": (f"{made.name}.receive", f"{made.name}.receive")}
    assert other.graph().edges == ((f"{made.name}.receive", "audit"),)
    assert steps_of(made)["charge"] == ("receive",)


def methods() -> type:  # noqa: C901 - one method of every kind
    """Return a flow class with a method of every kind, each of which tells where it runs."""
    made = new_flow()

    @made
    class Everything:
        flow = made

        @step
        def plain(self) -> str:
            return here()

        @step
        async def asynchronous(self) -> str:
            await asyncio.sleep(0)
            return here()

        @step
        def generator(self) -> Iterator[str]:
            yield here()

        @step
        async def async_generator(self) -> Any:
            yield here()

        @staticmethod
        @step
        def static_outside() -> str:
            return here()

        @step
        @staticmethod
        def static_inside() -> str:
            return here()

        @classmethod
        @step
        def class_outside(cls) -> str:
            return f"{here()}@{cls.__name__}"

        @step
        @classmethod
        def class_inside(cls) -> str:
            return f"{here()}@{cls.__name__}"

        @property
        @step
        def prop(self) -> str:
            return here()

        @functools.cached_property
        @step
        def cached(self) -> str:
            return here()

    return Everything


async def _first(items: Any) -> str:
    return str(await anext(items))


KINDS: dict[str, Callable[[Any], str]] = {
    "plain": lambda one: one.plain(),
    "asynchronous": lambda one: asyncio.run(one.asynchronous()),
    "generator": lambda one: next(one.generator()),
    "async_generator": lambda one: asyncio.run(_first(one.async_generator())),
    "static_outside": lambda one: one.static_outside(),
    "static_inside": lambda one: one.static_inside(),
    "class_outside": lambda one: one.class_outside().removesuffix("@Everything"),
    "class_inside": lambda one: one.class_inside().removesuffix("@Everything"),
    "prop": lambda one: one.prop,
    "cached": lambda one: one.cached,
}


@pytest.mark.guarantee(48)
@pytest.mark.parametrize("kind", KINDS)
def test_method_of_every_kind_runs_as_its_step(kind: str) -> None:
    """Plain, async, generators, static and class methods in both orders, properties: all run."""
    everything: Any = methods()
    with headrace.open_context():
        assert KINDS[kind](everything()) == f"{everything.flow.name}.{kind}"
    assert set(steps_of(everything.flow)) == set(KINDS)


@pytest.mark.parametrize("kind", ["static_outside", "static_inside"])
def test_static_method_runs_on_the_class_too(kind: str) -> None:
    """A static method needs no instance."""
    everything: Any = methods()
    with headrace.open_context():
        assert getattr(everything, kind)() == f"{everything.flow.name}.{kind}"


def loud(function: Callable[..., str]) -> Callable[..., str]:
    """Decorate `function`: what it returns is in upper case."""

    @functools.wraps(function)
    def shouting(*args: Any, **kwargs: Any) -> str:
        return function(*args, **kwargs).upper()

    return shouting


@pytest.mark.guarantee(48)
def test_decorator_around_a_step_stays() -> None:
    """A decorator of the user's above ours is not lost, under `staticmethod` or `classmethod`."""
    made = flow(unused_name().upper())

    @made
    class Orders:
        @loud
        @step
        def plain(self) -> str:
            return here()

        @staticmethod
        @loud
        @step
        def static() -> str:
            return here()

        @classmethod
        @loud
        @step
        def of_class(cls) -> str:
            return here()

    with headrace.open_context():
        assert Orders().plain() == f"{made.name}.PLAIN"
        assert Orders.static() == f"{made.name}.STATIC"
        assert Orders.of_class() == f"{made.name}.OF_CLASS"


def test_keyword_named_self_reaches_the_function() -> None:
    """A step under another decorator can be called with ``self=`` by keyword, as before."""
    made = new_flow()

    @made
    class Orders:
        @loud
        @step
        def plain(self) -> str:
            return "said"

    assert Orders.plain(self=Orders()) == "SAID"


# --- inheritance ------------------------------------------------------------------------------


@pytest.mark.guarantee(47)
def test_subclass_has_the_steps_of_its_base() -> None:
    """A subclass that is not decorated runs its base's steps, in its base's flow."""
    made = new_flow()

    @made
    class Orders:
        @entrypoint
        def receive(self) -> str:
            return here()

    class Special(Orders): ...

    assert Special().receive() == f"{made.name}.receive"


@pytest.mark.guarantee(47)
def test_subclass_in_another_flow_brings_the_inherited_steps_there() -> None:
    """Base and subclass each run in their own flow; both graphs have the steps."""
    base_flow, own_flow = new_flow(), new_flow()

    @base_flow
    class Orders:
        @entrypoint
        def receive(self) -> list[str]:
            return [here(), self.validate()]

        @step(after="receive")
        def validate(self) -> str:
            return here()

    @own_flow
    class Special(Orders):
        @step(after="validate")
        def wrap(self) -> str:
            return here()

    assert Special().receive() == [f"{own_flow.name}.receive", f"{own_flow.name}.validate"]
    assert Orders().receive() == [f"{base_flow.name}.receive", f"{base_flow.name}.validate"]
    assert steps_of(own_flow) == {"receive": (), "validate": ("receive",), "wrap": ("validate",)}
    assert steps_of(base_flow) == {"receive": (), "validate": ("receive",)}


@pytest.mark.guarantee(47)
def test_subclass_may_override_a_step() -> None:
    """In the same flow the override takes the step's place; the base's method can be called."""
    made = new_flow()

    @made
    class Orders:
        @entrypoint
        def receive(self) -> str:
            return "plain"

    @made
    class Special(Orders):
        @entrypoint(description="The special one.")
        def receive(self) -> str:
            return f"special, {super().receive()}"

    assert Special().receive() == "special, plain"
    assert Orders().receive() == "plain"
    assert made.graph().steps["receive"].description == "The special one."


@pytest.mark.guarantee(47)
def test_override_without_a_decorator_is_no_step() -> None:
    """What is overridden by a plain method is plain there, in a flow of its own."""
    base_flow, own_flow = new_flow(), new_flow()

    @base_flow
    class Orders:
        @entrypoint
        def receive(self) -> str:
            return here()

        @step(after="receive")
        def ship(self) -> str:
            return here()

    @own_flow
    class Quiet(Orders):
        def receive(self) -> str:
            return here()

    assert Quiet().receive() == "outside"
    assert steps_of(own_flow) == {"ship": ("receive",)}
    assert [problem.kind for problem in own_flow.graph().validate()] == ["unknown-reference"]


@pytest.mark.guarantee(47)
def test_sibling_that_inherits_leaves_an_override_in_force() -> None:
    """One subclass overrides, another only inherits: no conflict, and each runs its own."""
    made = new_flow()

    @made
    class Orders:
        @step
        def validate(self) -> str:
            return "base"

    @made
    class Strict(Orders):
        @step
        def validate(self) -> str:
            return "strict"

    @made
    class Lax(Orders): ...

    assert [one().validate() for one in (Orders, Strict, Lax)] == ["base", "strict", "base"]
    info = made.graph().steps["validate"]
    assert info.line == Strict.validate.__wrapped__.__code__.co_firstlineno  # type: ignore[attr-defined]


@pytest.mark.guarantee(47)
def test_siblings_that_override_the_same_step_are_a_conflict() -> None:
    """Two different functions under one step name are refused, with both places."""
    made = new_flow()

    @made
    class Orders:
        @step
        def validate(self) -> None: ...

    @made
    class First(Orders):
        @step
        def validate(self) -> None: ...

    class Second(Orders):
        @step
        def validate(self) -> None: ...

    with pytest.raises(DuplicateStepError, match=r"(?s)First\.validate at .*Second\.validate at "):
        made(Second)


@pytest.mark.guarantee(47)
@pytest.mark.parametrize("kind", KINDS)
def test_inherited_method_of_every_kind_runs_in_the_flow_of_its_object(kind: str) -> None:
    """Under properties and other decorators too, base and subclass report each to its own flow."""
    base: Any = methods()
    own_flow = new_flow()
    derived = own_flow(type("Everything", (base,), {}))
    for cls, expected in ((derived, own_flow), (base, base.flow), (derived, own_flow)):
        with headrace.open_context(), capture() as captured:
            KINDS[kind](cls())
        assert [one.flow for one in captured.steps] == [expected.name]


@pytest.mark.guarantee(47)
def test_mixin_brings_its_steps_to_every_flow_that_has_it() -> None:
    """A class without a flow holds steps for those that inherit it."""
    first, second = new_flow(), new_flow()

    class Auditing:
        @step
        def audit(self) -> str:
            return here()

        @property
        @step
        def audited(self) -> str:
            return here()

    @first
    class Orders(Auditing): ...

    @second
    class Returns(Auditing): ...

    with headrace.open_context():
        assert [Orders().audit(), Orders().audited] == [
            f"{first.name}.audit",
            f"{first.name}.audited",
        ]
        assert [Returns().audit(), Returns().audited] == [
            f"{second.name}.audit",
            f"{second.name}.audited",
        ]


@pytest.mark.guarantee(47)
def test_static_method_under_a_decorator_stays_with_its_base() -> None:
    """Where nothing tells which class it is called on, the flow is that of the first class."""
    base_flow, own_flow = new_flow(), new_flow()

    @base_flow
    class Orders:
        @staticmethod
        @loud
        @step
        def static(value: str) -> str:
            return value + here()

    @own_flow
    class Special(Orders): ...

    with headrace.open_context():
        assert Orders.static("a") == Special.static("a") == f"a{base_flow.name}.static".upper()


def test_abstract_step_stays_abstract() -> None:
    """A class with an abstract step cannot be instantiated, its subclass can."""
    made = new_flow()

    @made
    class Orders(ABC):
        @step
        @abstractmethod
        def validate(self) -> str: ...

    @made
    class Special(Orders):
        @step
        def validate(self) -> str:
            return "special"

    with pytest.raises(TypeError, match="abstract"):
        Orders()  # type: ignore[abstract]
    assert Special().validate() == "special"


# --- several flows ----------------------------------------------------------------------------


def test_step_of_another_flow_in_the_class_stays_in_that_flow() -> None:
    """A method declared for a `Flow` by name or object is that flow's, whatever the class is."""
    made, other = new_flow(), new_flow()

    @made
    class Orders:
        @other.step
        def audit(self) -> str:
            return here()

        @step(other.name)
        def log(self) -> str:
            return here()

        @step
        def ship(self) -> str:
            return here()

    with headrace.open_context():
        assert Orders().audit() == f"{other.name}.audit"
        assert Orders().log() == f"{other.name}.log"
        assert Orders().ship() == f"{made.name}.ship"
    assert set(steps_of(made)) == {"ship"}
    assert set(steps_of(other)) == {"audit", "log"}


def test_method_may_be_a_step_of_its_class_and_of_another_flow() -> None:
    """Decorated twice, in either order, it is reported to both flows."""
    made, other = new_flow(), new_flow()

    @made
    class Orders:
        @step
        @other.step
        def inner(self) -> None: ...

        @other.step
        @step
        def outer(self) -> None: ...

    with headrace.open_context(), capture() as captured:
        Orders().inner()
        Orders().outer()
    assert [(one.flow, one.name) for one in captured.steps] == [
        (made.name, "inner"),
        (other.name, "inner"),
        (other.name, "outer"),
        (made.name, "outer"),
    ]


def test_class_may_be_of_two_flows() -> None:
    """Decorated by two flows, each of its steps is reported to both."""
    first, second = new_flow(), new_flow()

    @first
    @second
    class Orders:
        @step
        def validate(self) -> None: ...

        @property
        @step
        def checked(self) -> bool:
            return True

    with headrace.open_context(), capture() as captured:
        Orders().validate()
        assert Orders().checked
    assert [(one.flow, one.name) for one in captured.steps] == [
        (first.name, "validate"),
        (second.name, "validate"),
        (first.name, "checked"),
        (second.name, "checked"),
    ]


def test_method_under_two_names_is_one_step() -> None:
    """An alias in the class body is the same step, reported once for each call."""
    made = new_flow()

    @made
    class Orders:
        @step
        def validate(self) -> None: ...

        check = validate

    with headrace.open_context(), capture() as captured:
        Orders().check()
        Orders().validate()
    assert [one.name for one in captured.steps] == ["validate", "validate"]
    assert set(steps_of(made)) == {"validate"}


# --- what is not a flow class -----------------------------------------------------------------


def test_step_in_a_class_without_a_flow_says_what_is_missing() -> None:
    """Calling a marked method of a class without a flow is an error that tells what to do."""

    class Orders:
        @step
        def validate(self) -> None: ...

    with pytest.raises(TypeError, match=r"'validate' belongs to no flow: decorate its class"):
        Orders().validate()


def test_flow_does_not_decorate_a_function() -> None:
    """``@flow("name")`` on a function is refused, with the decorators that are meant."""
    made = new_flow()
    with pytest.raises(TypeError, match=r"decorates a class; for a function use @step"):
        made(lambda: None)  # type: ignore[type-var]


looked_at: list[str] = []


class _Proxy:
    """Stands for something that is not there yet, and fails when looked at."""

    def __getattribute__(self, name: str) -> Any:
        looked_at.append(name)
        raise RuntimeError(f"{name} was asked for outside the application")


class _Unready:
    """Stands for an object of a request, as some libraries write it, with its own `__dict__`."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """Fail outside a request."""
        raise RuntimeError("outside of a request")


def test_proxy_without_an_object_is_left_alone() -> None:
    """A proxy whose very `__dict__` fails outside a request does no harm in the class body."""
    proxy = _Unready()

    @new_flow()
    class Orders:
        current = proxy

    assert vars(Orders)["current"] is proxy


def test_other_values_in_the_class_are_left_alone() -> None:
    """A proxy of a request or of settings in the class body does not do its work at import."""
    proxy = _Proxy()
    looked_at.clear()

    @new_flow()
    class Orders:
        current = proxy

        @step
        def validate(self) -> None: ...

    assert set(looked_at) <= {"__dict__"}
    assert vars(Orders)["current"] is proxy


def test_slots_and_docstrings_survive() -> None:
    """A class with slots can be a flow; its methods keep names and docstrings."""
    made = new_flow()

    @made
    class Orders:
        __slots__ = ()

        @step
        def validate(self) -> None:
            """Look twice."""

    assert Orders.validate.__name__ == "validate"
    assert Orders.validate.__qualname__.endswith("Orders.validate")
    assert Orders.validate.__doc__ == "Look twice."
    assert made.graph().steps["validate"].description == "Look twice."
