"""What a history does: its chain and its crashes, both drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headrace import AsyncChain, Chain

Effect = Callable[[str], None]


@dataclass(frozen=True)
class Crash:
    """A process is killed.

    Attributes:
        executor: the executor that runs there.
        point: the number of points (effects, records, acknowledgements) that it passes before.
        recovers: whether the other executor takes its runs over, instead of its own restart.
    """

    executor: str
    point: int
    recovers: bool


@dataclass(frozen=True)
class History:
    """A history.

    Attributes:
        seed: the seed.
        runs: the run IDs, each with its executor.
        crashes: the crashes, in order.
    """

    seed: int
    runs: dict[str, str]
    crashes: tuple[Crash, ...]


def history_of(seed: int) -> History:
    """Draw a history."""
    draw = random.Random(seed)
    runs = {f"s{seed}-{name}": name for name in ("a", "b")}
    crashes = tuple(
        Crash(draw.choice("ab"), draw.randint(1, 26), draw.random() < 0.3)
        for _ in range(draw.randint(1, 4))
    )
    return History(seed, runs, crashes)


def chain_of(seed: int, effect: Effect) -> Chain | AsyncChain:
    """Draw the chain of a history.

    Args:
        seed: the seed.
        effect: carries out an effect, by its name.
    """
    draw = random.Random(seed + 1_000_000)
    make: Any = draw.choice([Chain, AsyncChain])
    chain = make(f"soak{seed}")
    for number in range(draw.randint(2, 4)):
        _add(chain, draw, effect, f"s{number}")
        if draw.random() < 0.4:
            branches = [make(), make()]
            for place, branch in enumerate(branches):
                for inner in range(draw.randint(1, 2)):
                    _add(branch, draw, effect, f"b{number}{place}{inner}")
            chain.parallel(*branches)
    if draw.random() < 0.5:
        chain.next(_step(effect, "last", failures=9), name="last")
    return chain


def _add(chain: Any, draw: random.Random, effect: Effect, name: str) -> None:
    options: dict[str, Any] = {}
    failures = 0
    if draw.random() < 0.4:
        failures = draw.randint(0, 1)
        options |= {"retries": 2, "backoff": 0.01}
    if draw.random() < 0.7:
        fails = draw.random() < 0.2
        options["undo"] = _undo(effect, name, fails=fails)
    if draw.random() < 0.2:
        options["when"] = lambda _, name=name: effect(f"when {name}") is None
    chain.next(_step(effect, name, failures), name=name, out=f"{name}_out", **options)


def _step(effect: Effect, name: str, failures: int) -> Callable[[], str]:
    calls: dict[str, int] = {}

    def step() -> str:
        from headrace import current_step_key

        key = current_step_key() or ""
        effect(name)
        calls[key] = calls.get(key, 0) + 1
        # The second attempt succeeds, also in a process that did not see the first one fail.
        if failures and (failures > 1 or calls[key] <= failures):
            raise ConnectionError(name)
        return f"{name} done"

    return step


def _undo(effect: Effect, name: str, *, fails: bool) -> Callable[[Any], None]:
    def undo(result: Any) -> None:
        assert result == f"{name} done", result
        effect(f"undo {name}")
        if fails:
            raise RuntimeError(f"undo of {name} failed")

    return undo
