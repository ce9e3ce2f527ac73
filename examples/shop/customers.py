"""Sends the orders to the shop, and asks it how they ended."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from orders import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orders import Order

AT_ONCE = 4
PATIENCE_SECONDS = 300
"""How long to wait for one more order to end before the rest counts as lost."""


@dataclass
class Placed:
    """An order as its customer sees it."""

    number: str
    flow_id: str | None
    """The correlation ID that the shop's response named."""
    status: str = "open"
    """In the end ``shipped``, ``refused``, ``failed``; ``rejected`` if the shop never took it."""
    detail: str = ""
    kill_worker: bool = False
    """Whether the worker's process is to be killed while it has this order."""

    @property
    def accepted(self) -> bool:
        """Whether the shop took the order."""
        return self.status not in {"rejected", "error"}


def place(shop: httpx.Client, orders: list[Order]) -> Iterator[Placed]:
    """Send the orders, a few at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda order: place_one(shop, order), orders)


def place_one(shop: httpx.Client, order: Order) -> Placed:
    """Send one order."""
    kind = {"Content-Type": "application/json"}
    try:
        response = shop.post("/orders", content=encode(order), headers=kind)
    except httpx.TransportError as error:
        return Placed(order["number"], None, "error", f"no answer: {error}")
    placed = Placed(order["number"], response.headers.get("X-Correlation-ID"))
    placed.kill_worker = order.get("kill_worker") is True
    if response.status_code == 422:
        flaw = response.json()["detail"][0]
        reason = flaw["msg"].removeprefix("Input should be ")
        placed.status, placed.detail = "rejected", f"{flaw['loc'][-1]}: {reason}"
    elif response.is_error:
        placed.status, placed.detail = "error", f"the shop answered {response.status_code}"
    return placed


def follow(shop: httpx.Client, placed: list[Placed]) -> Iterator[int]:
    """Ask for outcomes until each order has one, or nothing has happened for a while.

    Yields how many have ended so far.
    """
    open_orders = {order.number: order for order in placed if order.status == "open"}
    give_up = time.monotonic() + PATIENCE_SECONDS
    while open_orders and time.monotonic() < give_up:
        outcomes = shop.get("/orders").raise_for_status().json()
        for number in [number for number in open_orders if outcomes[number]]:
            order, outcome = open_orders.pop(number), outcomes[number]
            order.status, order.detail = outcome["status"], outcome["detail"]
            give_up = time.monotonic() + PATIENCE_SECONDS
        yield len(placed) - len(open_orders)
        time.sleep(0.1)
    yield len(placed) - len(open_orders)
