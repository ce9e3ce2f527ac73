"""Random chains behave the same when they are built again, whatever is known of them by then."""

from __future__ import annotations

import asyncio
import enum
import functools
import logging
import random
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, Chain, ChainError, literal, ref
from headrace.testing import no_waiting
from tests.chains.build_kit import awaited, fails, one, two
from tests.chains.conftest import forget_builds

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.usefixtures("no_builds"), pytest.mark.unmeasured]


def rows(count: int = 2) -> Iterator[int]:
    """Give numbers."""
    yield from range(count)


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

    def __call__(self, *args: Any) -> Any:
        return self.name, args


class Text(str):
    """A text that is not plain."""

    __slots__ = ()


class Colour(enum.StrEnum):
    """Texts that compare equal to plain ones."""

    RED = "red"


ALICE, BOB = Service("alice"), Service("bob")
FUNCTIONS: list[Any] = [
    *(one, two, fails, rows, awaited, len, dict, str, Service, print),
    *(ALICE.charge, BOB.charge, ALICE.charge_async, ALICE, BOB, lambda *_: 1, 5, "one"),
    *(functools.partial(one, 1), functools.partial(two, a=2), functools.partial(ALICE.charge, 3)),
]
KEYS = ["a", "b", "c", None, None, "", "a.b", Text("a"), Colour.RED, 5]
OPERANDS = [
    *("a", "b", "c", "a.b.c", "__class__", Text("a"), ref("a"), ref("b", "c.d"), literal("a")),
    *(0, False, 1, True, 1.0, None, [1], {"a": 1}, ALICE, Colour.RED),
]
OPTIONS: dict[str, list[Any]] = {
    "name": ["x", "y", "", 5, Text("x")],
    "log_fmt": ["{a}", "{b.__len__} of {result}", "{", Text("{a}"), 5],
    "retries": [0, 1, True, False, 2.0, -1, "1"],
    "retry_on": [ValueError, (ValueError, KeyError), (Exception,), [KeyError], fails, awaited, 5],
    "backoff": [0, 0.0, 1, True, -1, "x"],
    "max_backoff": [0.0, 10],
    "timeout": [1, 1.0, 0, True],
    "log": [one, awaited, 5, ALICE.charge],
    "validate": [one, two, awaited, BOB, lambda _: False],
    "when": ["a", "b.c", two, ref("a"), lambda _: True, 5],
    "undo": [one, awaited, ALICE.charge, 5],
    "overwrite": [True, False, 1],
    "nonsense": [1],
}


class Program:
    """A random program that builds a chain and looks at it.

    Args:
        seed: of the random choices.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.is_async = self.chance(0.4)
        self.options: dict[str, Any] = {}
        if self.chance(0.3):
            self.options["strict"] = True
        if self.chance(0.1):
            self.options["redact"] = ["a"]
        if self.chance(0.1):
            self.options["before_step"] = one
        if self.is_async and self.chance(0.2):
            self.options["allow_sync"] = False
        self.calls = [self.call() for _ in range(self.random.randint(1, 6))]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def call(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        choice = self.random.choice
        if self.chance(0.15):
            return "put", (choice(KEYS), choice(OPERANDS)), {}
        options: dict[str, Any] = {}
        usual = self.chance(0.7)
        if self.chance(0.8):
            options["out"] = choice(KEYS[:4] if usual else KEYS)
        operands = OPERANDS[:4] if usual else OPERANDS
        if self.chance(0.6):
            kind = choice([list, list, tuple])
            options["args"] = kind(choice(operands) for _ in range(self.random.randint(0, 2)))
        if self.chance(0.1):
            options["kwargs"] = {choice(["k", "l"]): choice(operands)}
        if not usual:
            for name in self.random.sample(sorted(OPTIONS), self.random.randint(1, 2)):
                options[name] = choice(OPTIONS[name])
        functions = FUNCTIONS[:3] if usual and not self.is_async else FUNCTIONS
        return "next", (choice(functions),), options

    def run(self, lines: list[str]) -> list[str]:
        """Build, run and look at the chain, and return all that can be seen."""
        made = AsyncChain if self.is_async else Chain
        chain: Any = made(jitter=False, **self.options)
        seen: list[str] = []
        for method, args, options in self.calls:
            try:
                assert getattr(chain, method)(*args, **options) is chain
            except Exception as error:
                seen.append(f"{type(error).__name__}: {error}")
        unlooked = chain.copy()
        with no_waiting():
            seen.append(self.outcome(chain))
            seen.append(self.outcome(chain))
            seen.append(self.outcome(unlooked))
        seen += [repr(chain), str(chain.check("a")), str(chain.graph().render("text"))]
        seen += lines
        lines.clear()
        return seen

    def outcome(self, chain: Any) -> str:
        try:
            inputs = {"a": {"b": {"c": 1}}}
            result = asyncio.run(chain.run(**inputs)) if self.is_async else chain.run(**inputs)
            error = ""
        except ChainError as exc:
            result, error = exc.result, f"{exc!r} {exc.__cause__!r}"
        assert result is not None
        steps = [(each.name, each.outcome, each.attempts, each.reason) for each in result.steps]
        return f"{error} {list(map(type, result))} {dict(result)!r} {steps}".replace("'", "")


class Lines(logging.Handler):
    """Keeps the lines of chains."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.mark.parametrize("level", [logging.INFO, logging.CRITICAL])
@pytest.mark.parametrize("seed", range(12))
def test_what_is_built_again_behaves_as_the_first(seed: int, level: int) -> None:
    """Errors, results, reports, log lines and pictures are the same for known and unknown calls."""
    handler, logger = Lines(), logging.getLogger("headrace.chain")
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(level)
    headrace.configure("none")
    try:
        programs = [Program(seed * 100 + number) for number in range(20)]
        first: list[list[str]] = []
        for program in programs:
            forget_builds()
            first.append([_without_ids(each) for each in program.run(handler.lines)])
        forget_builds()
        for _ in range(3):
            for program, expected in zip(programs, first, strict=True):
                seen = [_without_ids(each) for each in program.run(handler.lines)]
                assert seen == expected, (program.options, program.calls)
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        headrace.configure()


def _without_ids(text: str) -> str:
    """Return `text` without the addresses of objects and the durations."""
    words = ["..." if "0x" in word or "=" in word else word for word in text.split()]
    return " ".join(words)
