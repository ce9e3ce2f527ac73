"""Bad input is refused when the chain is built, with the reason."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock, MagicMock, Mock

import pytest

import headrace
from headrace import AsyncChain, Chain, StepFailedError, literal
from headrace._process.testing import no_waiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.chains.runners import Runner


async def fetch(value: int = 1) -> int:
    """Fetch it."""
    return value


def rows(count: int = 2) -> Iterator[int]:
    """Give the rows one by one."""
    yield from range(count)


async def rows_async(count: int = 2) -> AsyncIterator[int]:
    """Give the rows one by one."""
    for row in range(count):
        yield row


class Fetcher:
    """A callable whose calls are awaited."""

    async def __call__(self, value: int = 1) -> int:
        return value

    async def method(self, value: int = 1) -> int:
        return value

    @classmethod
    async def for_all(cls, value: int = 1) -> int:
        return value


class Rows:
    """A callable whose calls are iterated over."""

    def __call__(self) -> Iterator[int]:
        yield 1


@pytest.mark.parametrize(
    ("build", "error", "reason"),
    [
        (lambda c: c.next(print, out="a").next(print, out="a"), ValueError, "both write 'a'"),
        (
            lambda c: c.next(print, name="x", args=["a.b"]).next(print, out="a"),
            ValueError,
            "step 'x' refers to 'a', which step 'a' writes later",
        ),
        (
            lambda c: c.next(print, kwargs={"k": "a"}).next(print, out="a"),
            ValueError,
            "writes later",
        ),
        (lambda c: c.next(print, when="a").next(print, out="a"), ValueError, "writes later"),
        (lambda c: c.next(print, log_fmt="{a}").next(print, out="a"), ValueError, "writes later"),
        (lambda c: c.next(print, name="a").next(print, name="a"), ValueError, "two steps named"),
        (lambda c: c.next(print, retries=-1), ValueError, "retries must be 0 or more"),
        (lambda c: c.next(print, retries=1.5), TypeError, "retries must be an int"),
        (lambda c: c.next(print, retries=True), TypeError, "retries must be an int"),
        (lambda c: c.next(print, backoff=-1), ValueError, "backoff must be a number of seconds"),
        (lambda c: c.next(print, max_backoff="x"), TypeError, "max_backoff must be a number of s"),
        (
            lambda c: c.next(print, backoff=float("nan")),
            ValueError,
            "backoff must be a number of s",
        ),
        (lambda c: c.next(print, max_backoff=float("inf")), ValueError, "max_backoff must be a n"),
        (lambda c: c.next(print, retries=1, retry_on="x"), TypeError, "retry_on takes"),
        (lambda c: c.next(print, retries=1, retry_on=int), TypeError, "retry_on takes"),
        (lambda c: c.next(print, retries=1, retry_on=(int,)), TypeError, "retry_on takes"),
        (lambda c: c.next(print, retries=1, retry_on=fetch), TypeError, "never awaited"),
        (lambda c: c.next(rows, retries=1), ValueError, "would have no effect"),
        (lambda c: c.next(5), TypeError, "a step must be a function, not 5"),
        (lambda c: c.next(print, out="a.b"), ValueError, "contains a dot"),
        (lambda c: c.next(print, out=""), ValueError, "is empty"),
        (lambda c: c.next(print, out=5), TypeError, "out must be a key"),
        (lambda c: c.next(print, name=" "), ValueError, "name must not be empty"),
        (lambda c: c.next(print, name=5), TypeError, "name must be a str"),
        (lambda c: c.next(print, args="raw"), TypeError, r"args must be a list"),
        (lambda c: c.next(print, args=5), TypeError, r"args must be a list"),
        (lambda c: c.next(print, kwargs=["a"]), TypeError, "kwargs must be a dict"),
        (lambda c: c.next(print, kwargs={1: "a"}), TypeError, "kwargs must be a dict"),
        (lambda c: c.next(print, when=True), TypeError, "when must be a reference"),
        (lambda c: c.next(print, when=literal("a")), TypeError, "when must be a reference"),
        (lambda c: c.next(print, log="x"), TypeError, "log must be a function"),
        (lambda c: c.next(print, validate="x"), TypeError, "validate must be a function"),
        (lambda c: c.next(print, undo="x"), TypeError, "undo must be a function"),
        (lambda c: c.next(print, overwrite=1), TypeError, "overwrite must be True or False"),
        (lambda c: c.put("a.b", 1), ValueError, "contains a dot"),
        (lambda c: c.put(1, 1), TypeError, r"put\(\) must be a key"),
    ],
)
def test_a_step_that_cannot_be_is_refused(
    runner: Runner, build: Any, error: type[Exception], reason: str
) -> None:
    """The message says what is wrong."""
    with pytest.raises(error, match=reason):
        build(runner.chain())


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"name": ""}, ValueError, "a chain's name must not be empty"),
        ({"name": 5}, TypeError, "a chain's name must be a str"),
        ({"flow": ""}, ValueError, "flow must not be empty"),
        ({"flow": 5}, TypeError, "flow must be a str"),
        ({"strict": 1}, TypeError, "strict must be True or False"),
        ({"jitter": None}, TypeError, "jitter must be True or False"),
        ({"deadline": -1}, ValueError, "deadline must be a number of seconds"),
        ({"deadline": "x"}, TypeError, "deadline must be a number of seconds"),
        ({"deadline": True}, TypeError, "deadline must be a number of seconds"),
        ({"deadline_fn": 5}, TypeError, "deadline_fn must be a function"),
        ({"deadline_fn": fetch}, TypeError, "deadline_fn is a coroutine function"),
        ({"safety_margin": -0.1}, ValueError, "safety_margin must be a number of seconds"),
        ({"before_step": "x"}, TypeError, "before_step must be a function"),
        ({"after_step": "x"}, TypeError, "after_step must be a function"),
        ({"on_retry": "x"}, TypeError, "on_retry must be a function"),
        ({"redact": 5}, TypeError, "redact takes"),
        ({"redact": "password"}, TypeError, "redact takes"),
        ({"redact": [5]}, TypeError, "redact takes"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(
    runner: Runner, options: Any, error: type[Exception], reason: str
) -> None:
    """The message says what is wrong."""
    with pytest.raises(error, match=reason):
        runner.chain(**options)


def test_deadline_fn_must_give_seconds(runner: Runner) -> None:
    """What is no number of seconds is refused when the run begins."""
    with pytest.raises(TypeError, match=r"deadline_fn\(\)"):
        runner.run(runner.chain(deadline_fn=lambda: "soon").next(print))


def test_a_refused_step_leaves_the_chain_as_it_was(runner: Runner) -> None:
    """A chain can be built on after a mistake was caught."""
    chain = runner.chain("refusing").next(runner.fn(lambda: 1), out="a")
    with pytest.raises(ValueError, match="both write"):
        chain.next(runner.fn(lambda: 2), out="a")
    chain.next(runner.fn(lambda: 2), out="b")
    assert runner.run(chain) == {"a": 1, "b": 2}
    assert headrace.get_flow("refusing").graph().nodes == ("a", "b")


def test_overwrite_allows_a_second_output_of_one_name(runner: Runner) -> None:
    """And an output that an earlier step has been given as an input."""
    chain = runner.chain().next(runner.fn(lambda: 1), out="a")
    chain.next(runner.fn(lambda a: a + 1), out="a", args=["a"], overwrite=True)
    chain.next(runner.fn(lambda n: n), out="b", args=["n"])
    chain.next(runner.fn(lambda: 9), out="n", overwrite=True)
    assert runner.run(chain, n=5) == {"a": 2, "b": 5, "n": 9}


def test_a_put_value_may_be_referred_to_and_replaced(runner: Runner) -> None:
    """`put` comes before every step, and a step may give the same key."""
    chain = runner.chain().put("n", 1).next(runner.fn(lambda n: n + 1), out="m", args=["n"])
    chain.next(runner.fn(lambda: 7), out="n")
    assert runner.run(chain) == {"n": 7, "m": 2}


@pytest.mark.parametrize("timeout", [0, -1, "x", float("inf")])
def test_a_timeout_is_a_time(timeout: Any) -> None:
    """Above 0 seconds."""
    with pytest.raises((TypeError, ValueError), match="timeout must be a number of seconds"):
        AsyncChain().next(fetch, timeout=timeout)


# --- what a call gives ----------------------------------------------------------------------------

COROUTINE_FUNCTIONS: list[Callable[..., Any]] = [
    fetch,
    functools.partial(fetch, 1),
    functools.partial(functools.partial(fetch), 1),
    Fetcher(),
    functools.partial(Fetcher(), 1),
    Fetcher().method,
    Fetcher.for_all,
    AsyncMock(return_value=1),
]


@pytest.mark.guarantee(41)
@pytest.mark.parametrize("function", COROUTINE_FUNCTIONS)
def test_a_chain_refuses_whatever_would_have_to_be_awaited(function: Any) -> None:
    """Partials, callables with an async `__call__`, bound methods: found when it is built."""
    with pytest.raises(TypeError, match="which a Chain cannot await; use AsyncChain"):
        Chain().next(function)


@pytest.mark.guarantee(41)
@pytest.mark.parametrize("function", COROUTINE_FUNCTIONS)
def test_an_async_chain_awaits_whatever_can_be_awaited(function: Any) -> None:
    """On the event loop, and not in a thread."""
    chain = AsyncChain(allow_sync=False).next(function, out="n")
    assert asyncio.run(chain.run())["n"] == 1


@pytest.mark.guarantee(41)
@pytest.mark.parametrize("make", [lambda: fetch(5), lambda: asyncio.sleep(0, 5)])
def test_a_function_that_returns_an_awaitable_is_seen_by_what_came_back(make: Any) -> None:
    """An `AsyncChain` awaits it; a `Chain` says so, closes it, and does not try again."""
    assert asyncio.run(AsyncChain().next(make, out="n").run())["n"] == 5
    for options in ({}, {"retries": 3}, {"validate": lambda result: True, "retries": 3}):
        with no_waiting(), pytest.raises(StepFailedError, match="use AsyncChain") as caught:
            Chain().next(make, out="n", **options).run()
        assert caught.value.attempts == 1


@pytest.mark.guarantee(41)
@pytest.mark.parametrize(
    "argument", ["validate", "undo", "log", "when", "before_step", "after_step", "on_retry"]
)
def test_a_chain_refuses_coroutine_functions_around_its_steps(argument: str) -> None:
    """Hooks, predicates and callbacks: nobody would await them."""
    options: dict[str, Any] = {argument: fetch}
    is_hook = argument.endswith(("step", "retry"))
    with pytest.raises(TypeError, match=f"{argument} is a coroutine function"):
        Chain(**options) if is_hook else Chain().next(print, **options)


def test_an_awaitable_that_is_no_coroutine_is_a_value_in_a_chain() -> None:
    """A task or a future is something that others await."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        assert Chain().next(lambda: future, out="f").run()["f"] is future

    asyncio.run(main())


@pytest.mark.parametrize("function", [print, lambda: 1, Mock(return_value=1), MagicMock(), int])
def test_other_callables_are_functions(runner: Runner, function: Any) -> None:
    """Mocks, classes and builtins are called, and get a name."""
    chain = runner.chain().next(function)
    assert len(runner.run(chain).steps) == 1


def test_allow_sync_false_refuses_sync_functions_when_the_chain_is_built() -> None:
    """Steps and undos that would go to a thread."""
    with pytest.raises(
        TypeError, match=r"sync function, which this chain does not accept \(allow_sync=F"
    ):
        AsyncChain(allow_sync=False).next(print)
    with pytest.raises(TypeError, match="'print' is a sync function"):
        AsyncChain(allow_sync=False).next(fetch, undo=print)
    with pytest.raises(TypeError, match="'rows' is a sync function"):
        AsyncChain(allow_sync=False).next(rows)
    chain = AsyncChain(allow_sync=False).next(rows_async, out="rows").next(fetch, undo=fetch)
    assert asyncio.run(chain.run())["rows"] is not None


@pytest.mark.guarantee(42)
@pytest.mark.parametrize("chain", [Chain, AsyncChain])
@pytest.mark.parametrize("function", [rows, rows_async, functools.partial(rows, 3), Rows()])
def test_a_generator_function_with_retries_is_refused(chain: Any, function: Any) -> None:
    """With the reason: its body runs later, where no retry is."""
    with pytest.raises(ValueError, match="so retries would have no effect"):
        chain().next(function, retries=1)


@pytest.mark.parametrize("options", [{"retry_on": OSError}, {"backoff": 2.0}, {"max_backoff": 5.0}])
def test_an_option_of_retries_without_any_is_refused(
    runner: Runner, options: dict[str, Any]
) -> None:
    """An explicit `retries=0`, such as that of a setting, is accepted."""
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} has no effect without retries; add retries=3"):
        runner.chain().next(runner.fn(lambda: 1), **options)
    chain = runner.chain().next(runner.fn(lambda: 1), retries=0, **options)
    assert len(runner.run(chain).steps) == 1


@pytest.mark.parametrize("function", [rows, functools.partial(rows, 2)])
def test_a_generator_without_retries_is_a_value(runner: Runner, function: Any) -> None:
    """A later step iterates over it, in the unit and step of the generator."""
    seen: list[Any] = []

    def look() -> Iterator[int]:
        context = headrace.get_flow_context()
        assert context is not None
        seen.append(context.step)
        yield from function()

    chain = runner.chain().next(look, out="rows").next(runner.fn(list), out="all", args=["rows"])
    assert runner.run(chain)["all"] == [0, 1]
    assert seen == ["rows"]


@pytest.mark.parametrize("function", [rows, functools.partial(rows, count=2)])
def test_a_generator_function_may_be_a_partial(runner: Runner, function: Any) -> None:
    """It is looked through."""
    chain = (
        runner.chain().next(function, out="rows").next(runner.fn(list), out="all", args=["rows"])
    )
    assert runner.run(chain)["all"] == [0, 1]


def test_an_object_that_gives_generators_is_a_step(runner: Runner) -> None:
    """Its call is the step; what it gives is iterated over later."""
    chain = runner.chain().next(Rows(), out="rows").next(runner.fn(list), out="all", args=["rows"])
    assert runner.run(chain)["all"] == [1]


def test_an_async_generator_is_a_value(runner: Runner) -> None:
    """Whoever runs on a loop iterates over it."""

    async def consume(given: AsyncIterator[int]) -> list[int]:
        return [row async for row in given]

    result = runner.run(runner.chain().next(rows_async, out="rows"))
    assert asyncio.run(consume(result["rows"])) == [0, 1]


@pytest.mark.guarantee(59)
@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda k: k.chain().next(print, retry=3),
            r"\.next\(\) has no option 'retry'; .*'retries'\?",
        ),
        (lambda k: k.chain().next(print, Undo=print), r"\.next\(\) has no .*did you mean 'undo'\?"),
        (lambda k: k.chain(redakt=["a"]), r"Chain\(\) has no option 'redakt'; .*'redact'\?"),
        (lambda k: k.chain().next(print, zzz=1), r"choose one of func, out, .*, overwrite"),
    ],
)
def test_a_misspelt_option_is_answered_with_the_nearest(
    runner: Runner, build: Any, message: str
) -> None:
    """Options of a chain and of its steps are both checked; the message names the chain's type."""
    with pytest.raises(TypeError, match=message) as caught:
        build(runner)
    assert str(caught.value).startswith("AsyncChain" if runner.is_async else "Chain")
