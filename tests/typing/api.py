"""Uses the public names the way a typed program does: type-checked, never run."""

from __future__ import annotations

import asyncio
from typing import assert_type

import headrace
from headrace import FlowContext, entrypoint, flow, step


def context() -> None:
    """What is read from the context has the type that it says."""
    assert_type(headrace.current_flow_id(), str | None)
    assert_type(headrace.get_flow_context(), FlowContext | None)
    with headrace.open_context("a-1") as opened:
        assert_type(opened, FlowContext)
        assert_type(opened.correlation_id, str)
        assert_type(opened.causation_id, str | None)


orders = flow("orders")


@orders.entrypoint
def receive(order_id: int) -> str:
    """Keep the types of a function that is decorated bare, on a flow."""
    return str(order_id)


@orders.step(after=receive)
async def charge(order_id: int, *, cents: int = 0) -> bool:
    """Keep the types of a coroutine function."""
    return order_id > cents


@entrypoint("updates")
def update(user: str) -> None:
    """Keep the types of a function that is decorated by name."""


@step("updates", after="update")
def validate(user: str) -> list[str]:
    """Keep the type of what is returned."""
    return [user]


def calls() -> None:
    """Decorated functions are called as before, and wrong calls are refused."""
    assert_type(receive(1), str)
    assert_type(asyncio.run(charge(1, cents=2)), bool)
    assert_type(validate("a"), list[str])
    update("a")
    receive("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    asyncio.run(charge(1, 2))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
