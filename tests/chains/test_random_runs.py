"""Random chains: steps fail, take their time, are rejected, retried, nested and cancelled."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import threading
import time
import weakref
from typing import Any

import pytest

import headrace
from headrace import AsyncChain, ChainError
from headrace._process.testing import no_waiting

Key = tuple[str, int]


class Token:
    """The result of a step: its function, and the number of the call."""

    def __init__(self, name: str, number: int) -> None:
        self.key = name, number


class World:
    """A random chain, and a log of its steps.

    Args:
        seed: the seed of the random choices.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.running: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        self.done: list[Key] = []
        self.undone: list[Key] = []
        self.tokens: weakref.WeakSet[Token] = weakref.WeakSet()
        self.faults: list[str] = []
        self.names = 0
        self.may_undo_beside_others = False
        self.chain = self.build(2)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def build(self, depth: int) -> AsyncChain:
        chain = AsyncChain(jitter=False)
        for _ in range(self.random.randint(1, 3)):
            if depth and self.chance(0.25):
                parts = [self.build(depth - 1) for _ in range(self.random.randint(1, 3))]
                chain.parallel(*parts)
            elif depth and self.chance(0.33):
                chain.next(self.build(depth - 1), **self.options(0.03))
            else:
                chain.next(self.step(), **self.options(0.01), **self.duties())
        return chain

    def options(self, timeout: float) -> dict[str, Any]:
        self.names += 1
        options: dict[str, Any] = {"name": f"step {self.names}"}
        if self.chance(0.4):
            options["timeout"] = timeout
        if self.chance(0.4):
            options["retries"] = self.random.choice([1, 2])
            self.may_undo_beside_others = True  # before a retry in one of several branches
        return options

    def duties(self) -> dict[str, Any]:
        async def undo(token: Token) -> None:
            self.undo(token)

        duties: dict[str, Any] = {"undo": self.undo if self.chance(0.5) else undo}
        if self.chance(0.15):
            duties["validate"] = lambda token: False
        return duties

    def undo(self, token: Token) -> None:
        with self.lock:
            if any(self.running.values()) and not self.may_undo_beside_others:
                self.faults.append(f"{token.key} was undone while {self.running} ran")
            self.undone.append(token.key)

    def step(self) -> Any:
        name = f"function {self.names}"
        fails, fails_first = self.chance(0.25), self.chance(0.3)
        seconds = self.random.choice([0, 0, 0.005, 0.02])

        def begin() -> Token:
            with self.lock:
                if self.running.get(name):
                    self.faults.append(f"{name} ran twice at once")
                self.running[name] = 1
                self.calls[name] = self.calls.get(name, 0) + 1
                token = Token(name, self.calls[name])
                self.tokens.add(token)
                return token

        def end(token: Token) -> Token:
            succeeds = not fails and not (fails_first and token.key[1] == 1)
            with self.lock:
                self.running[name] = 0
                if succeeds:
                    self.done.append(token.key)
            if not succeeds:
                raise ValueError(name)
            return token

        def in_thread() -> Token:
            token = begin()
            time.sleep(seconds)
            return end(token)

        async def awaited() -> Token:
            token = begin()
            try:
                await asyncio.sleep(seconds)
            except BaseException:
                self.running[name] = 0
                raise
            return end(token)

        return in_thread if self.chance(0.6) else awaited

    async def run(self) -> bool:
        """Run the chain, possibly cancel it, and tell whether it succeeded."""
        delay = self.random.random() * 0.05 if self.chance(0.3) else None
        try:
            async with asyncio.timeout(delay):
                await self.chain.run()
        except (ChainError, TimeoutError):
            return False
        return True


@pytest.mark.guarantee(81)
@pytest.mark.guarantee(83)
@pytest.mark.guarantee(87)
@pytest.mark.parametrize("seed", range(40))
def test_what_is_done_is_undone_once_and_nothing_is_left(seed: int) -> None:
    """No step overlaps with itself, each success of a failed run is undone, and all is freed."""
    headrace.configure(backend="none")
    logger = logging.getLogger("headrace.chain")
    logger.setLevel(logging.CRITICAL)  # pytest keeps every record
    gc.disable()
    try:
        world = World(seed)
        with no_waiting():
            succeeded = asyncio.run(world.run())
        for _ in range(6000):  # a thread may still hold its last call
            if not world.tokens:
                break
            time.sleep(0.01)
        left = len(world.tokens)
    finally:
        gc.enable()
        logger.setLevel(logging.NOTSET)
    assert world.faults == []
    assert len(set(world.undone)) == len(world.undone)
    if succeeded:
        kept = [name for name, _ in set(world.done) - set(world.undone)]
        assert len(set(kept)) == len(kept)
    else:
        assert sorted(world.done) == sorted(world.undone)
    assert left == 0
