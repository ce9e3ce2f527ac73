"""Calls that a type checker must refuse: each has the ignore of its error, and none too many."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import headrace
from headrace import ContextExecutor, FlowContext, StepInfo, bind, configure, entrypoint, flow, step
from headrace.logging import JsonFormatter, LinesFormatter, dict_config

orders = flow("orders")


@orders.entrypoint
def receive(order_id: int) -> str:
    """Take a number."""
    return str(order_id)


@orders.step(after=receive)
async def charge(order_id: int, *, cents: int = 0) -> bool:
    """Take a number, and another one by name."""
    return order_id > cents


@flow("shop")
class Shop:
    """Have a method."""

    @step
    def sell(self, order_id: int) -> bool:
        """Take a number."""
        return order_id > 0


def wrong_calls(shop: Shop) -> None:
    """Decorated functions are called with their own parameters."""
    receive("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    receive()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    receive(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    receive(number=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    asyncio.run(charge(1, 2))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    text: int = receive(1)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    done: bool = charge(1)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    shop.sell("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    shop.sell(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    bind(receive)("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert text
    assert done


def wrong_decorators() -> None:
    """Decorators take names, functions and their own options."""
    orders.step(7)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    orders.step(after=7)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    orders.step(new=True)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    orders.entrypoint(afer="a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    step("orders", afer="a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    step("orders", name=7)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    entrypoint("orders", afer="a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    flow(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    flow("orders")(receive)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    property_step = orders.step(property(receive))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    assert property_step


def wrong_names() -> None:
    """A misspelt name is an error, though some names are imported at first use."""
    assert headrace.stepp  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    assert headrace.backends.LogBackend  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def wrong_settings() -> None:
    """Settings have types."""
    configure(strict="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    configure(header=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    configure(id_factory=lambda: 7)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    configure(propagate_metadata=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    configure(backends="none")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def wrong_logging() -> None:
    """Formats and styles are names."""
    dict_config("jsno")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    dict_config("json", style="ESC")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    JsonFormatter(style="ESC")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    LinesFormatter("%(message)s")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def wrong_contexts(context: FlowContext, info: StepInfo) -> None:
    """What identifies a unit is text, and what is frozen is read only."""
    headrace.open_context(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    headrace.open_context("a", "b")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    headrace.open_context(remote={"X-Correlation-ID": "a"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    headrace.deadline("5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    headrace.inject([("a", "b")])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    headrace.extract(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    headrace.set_flow_context_value(7, "a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    context.metadata = {}  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    context.unit_id = "a"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert context.correlationid  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    info.name = "a"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    orders.graph().nodes = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def wrong_executors() -> None:
    """An executor is wrapped, and its tasks have the parameters of their functions."""
    ContextExecutor(4)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    executor = ContextExecutor(ThreadPoolExecutor())
    executor.submit(receive, "a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bind(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
