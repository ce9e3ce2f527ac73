"""Chains of ten trivial steps, against hand-written loops with the same duties.

The base is a loop with a dict for the context, a ``try``, a retry counter and a clock: what people
write before they use a library. Run it alone with ``python -m benchmarks.bench_chains``.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager, contextmanager, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.console import Console

import headrace
from benchmarks.harness import Case, Group, measure, print_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEPS = 10
_KEYS = [f"key_{number}" for number in range(STEPS)]
_NEEDED = ["given", *_KEYS]
_log = logging.getLogger("headrace.chain")


def trivial(value: object) -> object:
    """What a step does."""
    return value


async def trivial_async(value: object) -> object:
    """What a step does."""
    return value


_STEPS = [(key, trivial, need) for key, need in zip(_KEYS, _NEEDED, strict=False)]
_STEPS_ASYNC = [(key, trivial_async, need) for key, need in zip(_KEYS, _NEEDED, strict=False)]


def by_hand(retries: int = 0) -> tuple[dict[str, Any], float]:
    """A loop with the duties of a chain."""
    context: dict[str, Any] = {"given": 1}
    elapsed = 0.0
    for key, function, need in _STEPS:
        attempt = 0
        started = perf_counter()
        while True:
            attempt += 1
            try:
                result = function(context[need])
                break
            except Exception:
                if attempt > retries:
                    raise
        context[key] = result
        elapsed = perf_counter() - started
    return context, elapsed


async def by_hand_async(retries: int = 0) -> tuple[dict[str, Any], float]:
    """The same for coroutine functions."""
    context: dict[str, Any] = {"given": 1}
    elapsed = 0.0
    for key, function, need in _STEPS_ASYNC:
        attempt = 0
        started = perf_counter()
        while True:
            attempt += 1
            try:
                result = await function(context[need])
                break
            except Exception:
                if attempt > retries:
                    raise
        context[key] = result
        elapsed = perf_counter() - started
    return context, elapsed


def build(name: str | None = None) -> headrace.Chain:
    """Build a chain of ten steps."""
    chain = headrace.Chain(name)
    for key, function, need in _STEPS:
        chain.next(function, out=key, args=[need])
    return chain


def build_with(**options: Any) -> headrace.Chain:
    """Build a chain of ten steps, each with `options`."""
    chain = headrace.Chain()
    for key, function, need in _STEPS:
        chain.next(function, out=key, args=[need], **options)
    return chain


def build_async(**options: Any) -> headrace.AsyncChain:
    """Build a chain of ten steps, each with `options`."""
    chain = headrace.AsyncChain()
    for key, function, need in _STEPS_ASYNC:
        chain.next(function, out=key, args=[need], **options)
    return chain


def _driven(function: Callable[[], Any]) -> Callable[[], None]:
    """Run the coroutine without an event loop, whose own cost is not the question."""

    def drive() -> None:
        with suppress(StopIteration):
            function().send(None)

    return drive


@contextmanager
def _silent() -> Iterator[None]:
    headrace.configure(backend="none")
    try:
        yield
    finally:
        headrace.configure()


@contextmanager
def _in_unit() -> Iterator[None]:
    with _silent(), headrace.open_context():
        yield


@contextmanager
def _logging_off() -> Iterator[None]:
    headrace.configure(backend="logging")
    try:
        with headrace.open_context():
            yield
    finally:
        headrace.configure()


async def _nap(_: object) -> None:
    await asyncio.sleep(0.010)


async def _ten_naps() -> None:
    for _ in range(STEPS):
        await _nap(None)


def _at_once(make: Callable[[], Any]) -> Callable[[], None]:
    async def main() -> None:
        await asyncio.gather(*(make() for _ in range(1000)))

    return lambda: asyncio.run(main())


def _napping() -> headrace.AsyncChain:
    chain = headrace.AsyncChain()
    for _ in range(STEPS):
        chain.next(_nap, args=[None])
    return chain


def cases() -> dict[str, Callable[[], object]]:
    """Return the callables of the sync and async runs, by name; each is ten steps."""
    return {case.name: case.call for group in groups() for case in group.cases}


def groups() -> list[Group]:
    """Return what is measured."""
    plain, retried, named = build(), build_with(retries=3), build("benchmark")
    logged = build_with(log_fmt="{given} {result}")
    plain_async, retried_async = build_async(), build_async(retries=3)
    napping = _napping()
    return [
        Group(
            "a step of a chain of ten",
            [
                _case("by hand", by_hand, _in_unit),
                _case("Chain.run in a unit", lambda: plain.run(given=1), _in_unit, 2.2),
                _case("with retries allowed", lambda: retried.run(given=1), _in_unit, 2.2 * 1.05),
                _case("with a line to log, level off", lambda: logged.run(given=1), _in_unit, 2.2),
                _case("of a flow", lambda: named.run(given=1), _in_unit, 2.2),
                _case("logging backend, level off", lambda: plain.run(given=1), _logging_off, 2.2),
                _case("Chain.run outside of any unit", lambda: plain.run(given=1), _silent, 2.5),
            ],
        ),
        Group(
            "an async step of a chain of ten",
            [
                _case("by hand", _driven(by_hand_async), _in_unit),
                _case(
                    "AsyncChain.run in a unit",
                    _driven(lambda: plain_async.run(given=1)),
                    _in_unit,
                    2.2,
                ),
                _case(
                    "with retries allowed",
                    _driven(lambda: retried_async.run(given=1)),
                    _in_unit,
                    2.2 * 1.05,
                ),
                _case(
                    "AsyncChain.run outside of any unit",
                    _driven(lambda: plain_async.run(given=1)),
                    _silent,
                ),
            ],
        ),
        Group(
            "building a chain of ten",
            [
                Case("ten steps by hand, once", by_hand, _silent, calls=200),
                Case("building the chain", build, _silent, 15, calls=200),
                Case("building it as a flow", lambda: build("built"), _silent, calls=200),
            ],
        ),
        Group(
            "1,000 at once, each ten times asleep for 10 ms",
            [
                Case("gather", _at_once(_ten_naps), _silent, calls=1, clock=perf_counter),
                Case(
                    "gather of AsyncChain.run",
                    _at_once(napping.run),
                    _silent,
                    1.3,
                    calls=1,
                    clock=perf_counter,
                ),
            ],
        ),
    ]


def _case(
    name: str,
    call: Callable[[], object],
    setup: Callable[[], AbstractContextManager[Any]],
    limit: float | None = None,
) -> Case:
    return Case(name, call, setup, limit, per=STEPS, calls=200)


def main() -> None:
    """Measure and print."""
    _log.setLevel(logging.WARNING)
    console = Console()
    *quick, slow = groups()
    print_tables(measure(quick, rounds=60), console)
    print_tables(measure([slow], rounds=5), console)


if __name__ == "__main__":
    main()
