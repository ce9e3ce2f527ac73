"""Chains that are built again and again behave as the first of them, and cost no memory."""

from __future__ import annotations

import asyncio
import enum
import functools
import gc
import logging
import sys
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, Chain, StepFailedError, literal, ref
from headrace._chains import prefixes
from headrace._chains.builder import RecordedPlan
from headrace.testing import no_waiting
from tests.chains.build_kit import awaited, fails, one, two
from tests.chains.conftest import forget_builds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("no_builds", "silent")


@pytest.fixture
def silent(caplog: pytest.LogCaptureFixture) -> None:
    """No backend listens, and no line is logged."""
    caplog.set_level(logging.WARNING, "headrace.chain")
    headrace.configure("none")


async def named_lambda(*_: Any) -> None:
    """Be taken for a lambda."""


named_lambda.__name__ = "<lambda>"


class Service:
    """Something with methods."""

    def __init__(self, name: str) -> None:
        self.name = name

    def charge(self, *args: Any) -> Any:
        """Charge."""
        return self.name, args

    async def charge_async(self, *args: Any) -> Any:
        """Charge."""
        return self.name, args


class Text(str):
    """A text that is not plain."""

    __slots__ = ()


def is_recorded(chain: Any) -> bool:
    """Tell whether the chain was only recorded, and run without being compiled."""
    return isinstance(chain._plan, RecordedPlan) and not chain._plan._compiled


# --- what is not the same -------------------------------------------------------------------------


def test_a_chain_that_was_built_before_is_only_recorded() -> None:
    """Known calls are not checked and compiled again, and neither is anything for a plain run."""

    def build() -> Any:
        return (
            Chain()
            .put("a", 1)
            .next(one, out="b", args=["a", 2], log_fmt="{b}")
            .next(len, args=["b"])
        )

    assert [build().run()["b"] for _ in range(3)] == [((1, 2), {})] * 3
    chain = build()
    chain.run()
    assert is_recorded(chain)


def test_a_function_made_per_call_is_called_itself() -> None:
    """Each chain calls its own closure, whose code is that of all the others."""

    def build(number: int) -> Any:
        return (
            Chain().next(lambda: number, out="a").next(lambda a: (a, number), out="b", args=["a"])
        )

    chains = [build(number) for number in range(5)]
    assert [chain.run()["b"] for chain in chains] == [(number, number) for number in range(5)]
    chain = build(5)
    assert chain.run()["b"] == (5, 5)
    assert is_recorded(chain)


def test_each_method_belongs_to_its_object() -> None:
    """Methods of two objects, made anew on every access, are not mistaken for one another."""

    class Other(Service):
        """Another class."""

    for _ in range(3):
        for service in (Service("a"), Service("b"), Other("c")):
            chain = Chain().next(service.charge, out="charged", args=[1])
            assert chain.run()["charged"] == (service.name, (1,))
    assert is_recorded(chain)


@pytest.mark.parametrize("bind", [functools.partial, lambda function, x: lambda *_: function(x)])
def test_a_partial_keeps_its_arguments(bind: Callable[..., Any]) -> None:
    """Two partials of one function each call it with their own arguments."""
    for _ in range(3):
        made = [Chain().next(bind(one, number), out="a") for number in range(3)]
        assert [chain.run()["a"][0] for chain in made] == [(0,), (1,), (2,)]


def test_equal_literals_are_passed_as_they_are() -> None:
    """An argument is the one that was given, and not an equal one of an earlier chain."""
    given = [1, True, 1.0, 0, False, [1], [2], literal("a"), literal(Text("a")), "a", Text("a")]
    seen: list[Any] = []
    for value in given * 2:
        Chain().put("a", "found").next(seen.append, args=[value]).run()
    expected = [1, True, 1.0, 0, False, [1], [2], "a", Text("a"), "found", "found"] * 2
    assert [(type(each), each) for each in seen] == [(type(each), each) for each in expected]


def test_what_was_changed_since_the_last_build_is_seen() -> None:
    """Lists and dictionaries of arguments are read by each call of `next`, literals by each run."""
    args, kwargs, literal_list = ["a"], {"k": "a"}, [1]
    for names in ("a", "b", "a"):
        args[0] = kwargs["k"] = names
        literal_list.append(len(literal_list) + 1)
        chain = Chain().put("a", "is a").put("b", "is b")
        chain.next(one, out="c", args=[*args, literal_list], kwargs=kwargs)
        chain.next(one, out="d", args=args).next(one, out="e", args=(more := [*args, 1]))
        more[0] = "nonsense"
        args[0] = kwargs["k"] = "nonsense"
        result = chain.run()
        assert result["c"] == ((f"is {names}", literal_list), {"k": f"is {names}"})
        assert result["d"] == ((f"is {names}",), {})
        assert result["e"] == ((f"is {names}", 1), {})


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"retries": 1}, {"retries": True}),
        ({"retries": 1, "backoff": 1}, {"retries": 1, "backoff": True}),
        (
            {"retries": 1, "retry_on": KeyError},
            {"retries": 1, "retry_on": type("KeyError", (), {})},
        ),
        ({"retries": 1, "retry_on": one}, {"retries": 1, "retry_on": awaited}),
        ({"overwrite": True}, {"overwrite": 1}),
        ({"when": "a"}, {"when": literal("a")}),
        ({"undo": Service("a").charge}, {"undo": Service("a").charge_async}),
        ({"log": functools.partial(one)}, {"log": functools.partial(awaited)}),
        ({"log": lambda: None, "name": "x"}, {"log": named_lambda, "name": "x"}),
        ({"out": "a"}, {"out": ["a"]}),
        ({"name": "a"}, {"name": ["a"]}),
        ({"log_fmt": "a"}, {"log_fmt": ["a"]}),
        ({"args": [5]}, {"args": [Text("b")]}),
        ({"args": [5]}, {"args": [ref("b")]}),
        ({"args": [literal("b")]}, {"args": [ref("b.c")]}),
        ({"kwargs": {"b": 5}}, {"kwargs": {"b": Text("b")}}),
        ({"kwargs": {"b": 5}}, {"kwargs": {5: "b"}}),
        ({"args": ["c"]}, {"args": ["b"]}),
        ({"log_fmt": "{c}"}, {"log_fmt": "{b}"}),
    ],
)
def test_a_wrong_option_is_refused_after_one_that_looks_alike(right: Any, wrong: Any) -> None:
    """What was found correct says nothing of what compares equal or has the same name."""
    for _ in range(3):
        Chain().next(two, **right).next(one, out="b").run()
        with pytest.raises((TypeError, ValueError)) as caught:
            Chain().next(two, **wrong).next(one, out="b")
        assert "unhashable" not in str(caught.value)


def test_a_value_must_be_put_under_its_own_key() -> None:
    """What is referred to before a step puts it out must have been put into the context before."""
    for _ in range(3):
        Chain().put("b", 1).next(two, args=["b"]).next(one, out="b").run()
        with pytest.raises(ValueError, match="writes later"):
            Chain().put("c", 1).next(two, args=["b"]).next(one, out="b")


def test_a_key_is_the_one_that_was_given() -> None:
    """A member of an enum stays one, although an equal string was the key of an earlier chain."""

    class Key(enum.StrEnum):
        """The same texts."""

        A = "a"

    for key in ("a", Key.A, "a", Key.A):
        chain = Chain().put(key, 1).next(one, out=type(key)("b") if key is Key else "b", args=[key])
        result = Chain().next(one, out=key).run()
        assert [type(each) for each in result] == [type(key)]
        assert chain.run()["b"] == ((1,), {})


def test_a_generator_function_is_a_step_of_its_own_chain() -> None:
    """Its body runs in its step, where the next step iterates over it."""
    seen: list[Any] = []

    def rows() -> Iterator[int]:
        context = headrace.get_flow_context()
        assert context is not None
        seen.append(context.step)
        yield 1

    for _ in range(3):
        chain = Chain().next(rows, out="rows").next(list, out="all", args=["rows"])
        assert chain.run()["all"] == [1]
    assert seen == ["rows"] * 3


@pytest.mark.parametrize("options", [{}, {"retries": 1}])
@pytest.mark.parametrize("wrap", [lambda function: function, functools.partial])
def test_steps_are_called_after_their_own_functions(wrap: Any, options: Any) -> None:
    """Functions with the same code but other names, as decorators make them, name their steps."""
    names: list[Any] = []

    def named(name: str) -> Any:
        def function() -> None:
            context = headrace.get_flow_context()
            assert context is not None
            names.append(context.step)

        function.__name__ = name
        return function

    for _ in range(3):
        for name in ("first", "second"):
            names.clear()
            Chain().next(wrap(named(name)), **options).next(wrap(named(name)), **options).run()
            assert names == [name, f"{name}_2"]


@pytest.mark.filterwarnings("ignore:Assigning a code object:DeprecationWarning")
def test_code_that_was_reloaded_in_place_is_looked_at_again() -> None:
    """A function whose code was replaced, as reloaders do, is of the kind that it now is."""

    def step() -> int:
        return 1

    async def other() -> int:
        return 2

    for _ in range(2):
        assert Chain().next(step, out="a").run()["a"] == 1
    step.__code__ = other.__code__
    with pytest.raises(TypeError, match="coroutine function"):
        Chain().next(step, out="a")


def test_subclasses_build_as_their_base() -> None:
    """A subclass may add options and steps of its own, and gets its own chain back."""

    class Strict(Chain):
        """A chain with a step of its own."""

        def __init__(self, **options: Any) -> None:
            super().__init__(strict=True, **options)

        def double(self, key: str) -> Any:
            return self.next(lambda value: 2 * value, out=f"{key}_doubled", args=[key])

    for number in range(3):
        chain = Strict().next(len, out="n", args=["text"]).double("n")
        assert type(chain) is Strict
        assert chain.run(text="x" * number)["n_doubled"] == 2 * number
        with pytest.raises(headrace.UnresolvedReferenceError):
            Strict().next(len, out="n", args=["text"]).run()
        assert Chain().next(print, out="n", args=["text"]).run()["n"] is None


def test_strict_and_other_chains_do_not_share_their_steps() -> None:
    """The same calls mean other things in a chain that is strict, awaits or has hooks."""
    for _ in range(3):
        assert Chain().next(one, out="a", args=["x"]).run()["a"] == ((None,), {})
        with pytest.raises(headrace.UnresolvedReferenceError):
            Chain(strict=True).next(one, out="a", args=["x"]).run()
        with pytest.raises(TypeError, match="sync function"):
            AsyncChain(allow_sync=False).next(one, out="a", args=["x"])
        hooked: list[Any] = []
        chain = Chain(before_step=lambda step, context, seen=hooked: seen.append(step))
        chain.next(one, out="a", args=["x"]).run()
        assert hooked == ["a"]
        assert asyncio.run(AsyncChain().next(awaited, out="a", args=["x"]).run())["a"] == (None,)
        with pytest.raises(TypeError, match="coroutine function"):
            Chain().next(awaited, out="a", args=["x"])


def test_a_mistake_points_at_the_call_that_made_it() -> None:
    """The traceback of an error of construction leads to the line of its own `next`."""
    for _ in range(3):
        chain = Chain().next(one, out="a").next(two, out="b", args=["a"])
        with pytest.raises(ValueError, match="both write 'a'") as caught:
            chain.next(one, out="a")
        assert str(caught.traceback[0].statement).strip() == 'chain.next(one, out="a")'
        assert chain.next(two, out="c", args=["b"]).run()["c"] == 1


def test_a_chain_can_be_copied_drawn_and_extended_at_any_time() -> None:
    """Looking at a recorded chain, copying it or making it part of another one changes nothing."""
    for _ in range(3):
        chain = Chain().put("n", 1).next(one, out="a", args=["n"]).next(two, out="b", args=["a"])
        branch = chain.copy().put("m", 2).next(two, out="c", args=["m"])
        assert repr(branch) == "<Chain -, 3 steps>"
        assert [*chain.graph().nodes] == ["a", "b"]
        whole = Chain().parallel(branch, Chain().next(two, out="d"))
        nested = Chain().next(chain.copy(), out="inner").next(two, out="e", args=["inner"])
        assert whole.run()["c"] == 1
        assert nested.run()["inner"]["b"] == 1
        assert chain.next(two, out="f", args=["b"]).run() == {
            "n": 1,
            "a": ((1,), {}),
            "b": 1,
            "f": 1,
        }


def test_a_failed_run_reports_undoes_and_retries_as_any_other() -> None:
    """What a recorded chain needs only when something happens is there when it happens."""
    for _ in range(3):
        undone: list[Any] = []
        chain = Chain().next(one, out="a", undo=undone.append).next(fails, out="b", retries=2)
        with no_waiting(), pytest.raises(StepFailedError) as caught:
            chain.run()
        assert undone == [((), {})]
        assert caught.value.result is not None
        attempts = [(each.name, each.attempts) for each in caught.value.result.steps]
        assert attempts == [("a", 1), ("b", 3)]


# --- memory ---------------------------------------------------------------------------------------


def test_nothing_that_was_passed_is_kept_alive() -> None:
    """Functions, objects of methods, literals and values go with the chain that was given them."""
    refs: list[weakref.ref[Any]] = []

    def build() -> Any:
        service, value = Service("x"), Service("y")

        def step(*_: Any) -> Any:
            return value

        class OwnError(Exception):
            """An error."""

        refs.extend(map(weakref.ref, (service, value, step, OwnError)))
        return (
            Chain()
            .put("v", value)
            .next(step, out="plain", args=["v"])
            .next(step, out="a", args=[value, "v"], retries=1, retry_on=(OwnError, KeyError))
            .next(service.charge, out="b", kwargs={}, validate=lambda _: step)
            .next(functools.partial(step, value), out="c", undo=step, when=lambda _: step())
        )

    for _ in range(3):
        assert build().run()["a"].name == "y"
    gc.collect()
    assert [each() for each in refs if each() is not None] == []


@pytest.mark.unmeasured
def test_the_memory_of_known_calls_is_bounded() -> None:
    """Building on with ever new names, functions and paths takes no more memory than before."""

    def build(number: int) -> None:
        chain = Chain().next(one, out=f"a{number}", args=[f"b{number}"])
        chain.next(lambda: number, out="c").next(two, out="d", args=["c", number])
        chain.run()

    def build_many(numbers: range) -> int:
        for number in numbers:
            build(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        limit = 2 * prefixes.LIMIT
        first = build_many(range(limit))
        assert len(prefixes._young) <= prefixes.LIMIT
        assert len(prefixes._old) <= prefixes.LIMIT
        assert build_many(range(limit, 2 * limit)) < first * 1.1
    finally:
        tracemalloc.stop()


def test_what_is_used_stays_known_among_what_is_not() -> None:
    """A chain that is built now and then survives any number of others."""
    recorded: list[bool] = []
    for number in range(4 * prefixes.LIMIT):
        Chain().next(one, out=f"a{number}").run()
        if number % (prefixes.LIMIT // 4) == 0:
            chain = Chain().next(one, out="a").next(two, out="b", args=["a"])
            chain.run()
            recorded.append(is_recorded(chain))
    assert recorded == [False, *[True] * 15]


def test_long_chains_do_not_drive_out_others() -> None:
    """Beyond some depth calls are not kept."""
    for _ in range(2):
        chain = Chain()
        for number in range(1000):
            chain.next(two, out=f"a{number}", args=[f"a{number - 1}"] if number else [])
        assert chain.run()["a999"] == 1
    assert len(prefixes._young) < 100


# --- threads and signals --------------------------------------------------------------------------


def test_threads_build_the_same_chains_at_once() -> None:
    """Each thread gets the results and reports of its own chains."""
    start = threading.Barrier(8)

    def build(thread: int) -> list[Any]:
        start.wait()
        seen: list[Any] = []
        for number in range(200):
            chain = Chain().put("n", (thread, number)).next(lambda n: n, out="a", args=["n"])
            chain.next(one, out=f"b{number % 50}", args=["a"]).next(two, out="c")
            result = chain.run()
            seen.append((result["a"], [each.name for each in result.steps]))
        return seen

    with ThreadPoolExecutor(8) as pool:
        for thread, seen in enumerate(pool.map(build, range(8))):
            assert seen == [
                ((thread, number), ["a", f"b{number % 50}", "c"]) for number in range(200)
            ]


def test_threads_compile_a_recorded_chain_once() -> None:
    """Many threads run one recorded chain, whose steps one of them compiles for all."""

    def build() -> Any:
        return Chain().next(one, out="a").next(fails, out="b")

    with pytest.raises(StepFailedError):
        build().run()
    for _ in range(20):
        chain, start = build(), threading.Barrier(4)

        def run(chain: Any = chain, start: Any = start) -> list[Any]:
            start.wait()
            with pytest.raises(StepFailedError) as caught:
                chain.run()
            assert caught.value.result is not None
            return [(each.name, each.outcome) for each in caught.value.result.steps]

        with ThreadPoolExecutor(4) as pool:
            reports = [pool.submit(run) for _ in range(4)]
        assert [each.result() for each in reports] == [[("a", "ok"), ("b", "error")]] * 4


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
def test_a_signal_while_building_spoils_no_later_chain() -> None:
    """After an interrupt at any place, the same calls give the same chain, and so do later ones."""
    from tests.faults.interrupts import interrupt

    def build() -> Any:
        chain = Chain().put("n", 1).next(one, out="a", args=["n"]).next(two, out="b", args=["a"])
        chain._freeze()
        return chain

    expected = {"n": 1, "a": ((1,), {}), "b": 1}
    for warm in range(3):
        for target in range(1, 5000):
            forget_builds()
            for _ in range(warm):
                build()
            place = interrupt(build, target)
            assert [build().run() for _ in range(3)] == [expected] * 3, place
            if not place:
                break
        else:
            pytest.fail("the scenario has no end")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
def test_a_call_that_a_signal_interrupted_can_be_made_again() -> None:
    """Its step is then in the chain, once or twice, and the chain runs."""
    from tests.faults.interrupts import interrupt

    for target in range(1, 5000):
        for _ in range(2):
            Chain().next(one, out="a").next(two, args=["a"])._freeze()
        chain = Chain().next(one, out="a")
        place = interrupt(lambda chain=chain: chain.next(two, args=["a"]), target)
        result = chain.next(two, args=["a"]).run()
        assert [each.name for each in result.steps] in (["a", "two"], ["a", "two", "two_2"]), place
        if not place:
            return
    pytest.fail("the scenario has no end")


def _order(flow: str) -> headrace.Chain:
    def receive() -> int:
        return 1

    def charge(order: int) -> int:
        return order + 1

    return headrace.Chain(flow).next(receive, out="order").next(charge, args=["order"], retries=1)


def test_a_flow_built_again_has_the_same_steps() -> None:
    """The second chain declares its steps too: graph, notes and steps are those of the first."""
    first = _order("built_again")
    graph = headrace.flow("built_again").graph()
    text = graph.render("json")
    del first, graph
    gc.collect()
    again = _order("built_again")
    assert again._builder.is_recorded
    assert headrace.flow("built_again").graph().render("json") == text
    assert again.run() == {"order": 1}


def test_a_flow_built_again_is_refused_while_the_first_one_exists() -> None:
    """Two live chains cannot declare different functions under one name; the second stays as is."""
    first = _order("built_twice")
    again = headrace.Chain("built_twice")
    with pytest.raises(headrace.DuplicateStepError):
        again.next(lambda: 2, out="order")
    del first
    gc.collect()
    again.next(lambda: 2, out="order")
    assert again.run() == {"order": 2}


def test_a_recorded_step_is_refused_where_another_function_has_its_name() -> None:
    """The call is known, but the name is taken by now: the chain does not change."""

    def receive() -> int:
        return 1

    headrace.Chain("built_late").next(receive, out="order")
    gc.collect()
    taken = headrace.Chain("built_late").next(lambda: 3, name="order")
    late = headrace.Chain("built_late")
    with pytest.raises(headrace.DuplicateStepError):
        late.next(receive, out="order")
    del taken
    gc.collect()
    assert late.next(receive, out="order").run() == {"order": 1}
