"""What runs a chain: one test body serves them all.

A runner makes a chain, says how its functions are written, and runs it. Another one (a queue, a
durable engine) is another entry of `RUNNERS`.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from headrace import AsyncChain, Chain, ChainResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._chains.plan import Plan


class Runner:
    """Runs chains as their own `run` does.

    Args:
        name: for the ID of a test.
        make: `Chain` or `AsyncChain`.
        awaits: whether functions are written as coroutine functions.
        stepwise: whether each step takes the general walk, never the fast path.
    """

    def __init__(
        self, name: str, make: Any = Chain, *, awaits: bool = False, stepwise: bool = False
    ) -> None:
        self.name = name
        self.chain = make
        self.awaits = awaits
        self._stepwise = stepwise

    def __repr__(self) -> str:
        return self.name

    @property
    def is_async(self) -> bool:
        """Whether chains are `AsyncChain`s."""
        return self.chain is AsyncChain

    @property
    def has_threads(self) -> bool:
        """Whether functions run in threads of an event loop."""
        return self.is_async and not self.awaits

    def fn(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` as the chain has it: a coroutine function, or as it is."""
        if not self.awaits:
            return function

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return function(*args, **kwargs)

        return awaited

    def run(self, chain: Any, /, **inputs: Any) -> ChainResult:
        """Run the chain, on an event loop if it needs one."""
        if self._stepwise:
            _leave_fast_path(chain._plan or chain._freeze())
        return asyncio.run(chain.run(**inputs)) if self.is_async else chain.run(**inputs)


def _leave_fast_path(plan: Plan) -> None:
    plan.rows = plan.silent_rows = plan.special_rows
    for step in plan.steps:
        inner = getattr(step, "plan", None)
        for each in getattr(step, "branches", () if inner is None else (inner,)):
            _leave_fast_path(each)


RUNNERS = (
    Runner("sync"),
    Runner("sync, stepwise", stepwise=True),
    Runner("async", AsyncChain, awaits=True),
    Runner("async, stepwise", AsyncChain, awaits=True, stepwise=True),
    Runner("threads", AsyncChain),
)
