"""Chains as py-stepchain's examples have them, built and run per call, against py-stepchain.

Both are silent: their loggers let warnings through at most. Run it alone with
``python -m benchmarks.bench_stepchain``.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import stepchain
from rich.console import Console
from stepchain.chain.async_chain import AsyncChain as PeerAsyncChain

import headrace
from benchmarks.harness import Case, Group, measure, print_tables

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 100
PEER = "py-stepchain"
_ROWS = [{"id": 1, "active": True}, {"id": 2, "active": False}, {"id": 3, "active": True}]


def extract() -> list[dict[str, Any]]:
    """Read rows."""
    return _ROWS


def transform(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the active rows."""
    return [row for row in rows if row["active"]]


def load(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Write rows."""
    return {"count": len(rows)}


async def fetch() -> list[dict[str, Any]]:
    """Read rows."""
    return _ROWS


async def convert(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the active rows."""
    return [row for row in rows if row["active"]]


def three_steps(chain: Any) -> Any:
    """Add three steps, each with a line to log."""
    return (
        chain
        .next(extract, out="raw", log_fmt="raw={raw.__len__}")
        .next(transform, out="clean", args=["raw"], log_fmt="clean={clean.__len__}")
        .next(load, out="loaded", args=["clean"], log_fmt="loaded={loaded.count}")
    )


def two_steps(chain: Any) -> Any:
    """Add two coroutine functions."""
    return chain.next(fetch, out="raw").next(convert, out="clean", args=["raw"])


def _driven(function: Callable[[], Any]) -> Callable[[], None]:
    """Run the coroutine without an event loop, whose own cost is not the question."""

    def drive() -> None:
        with suppress(StopIteration):
            function().send(None)

    return drive


def _pair(theirs: Callable[[], object], ours: Callable[[], object], limit: float) -> list[Case]:
    return [Case(PEER, theirs, calls=CALLS), Case("headrace", ours, limit=limit, calls=CALLS)]


def groups() -> list[Group]:
    """Return what is compared."""
    logging.getLogger("stepchain").setLevel(logging.WARNING)
    peers, ours = three_steps(stepchain.Chain()), three_steps(headrace.Chain())
    return [
        Group(
            "three steps with lines to log, built and run per call, in py-stepchain's",
            _pair(
                lambda: three_steps(stepchain.Chain()).run(),
                lambda: three_steps(headrace.Chain()).run(),
                1.0,
            ),
        ),
        Group(
            "the same, with references that must be resolved",
            _pair(
                lambda: three_steps(stepchain.Chain(strict=True)).run(),
                lambda: three_steps(headrace.Chain(strict=True)).run(),
                1.0,
            ),
        ),
        Group(
            "two async steps, built and run per call, in py-stepchain's",
            _pair(
                _driven(lambda: two_steps(PeerAsyncChain()).run()),
                _driven(lambda: two_steps(headrace.AsyncChain()).run()),
                1.0,
            ),
        ),
        Group(
            "a run of three steps, built once, in py-stepchain's", _pair(peers.run, ours.run, 0.6)
        ),
    ]


def main() -> None:
    """Measure and print."""
    print_tables(measure(groups(), rounds=60), Console())


if __name__ == "__main__":
    main()
