"""The shop: takes orders over HTTP, and hears how they end. FastAPI on uvicorn."""

from __future__ import annotations

import logging
import time
from typing import Any, Literal

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field, StrictBool

import headrace_fastapi
import logs
from config import FULFILMENT
from flows import order
from headrace.clients import httpx_hooks
from worker import fulfil

logs.configure("shop")
log = logging.getLogger("shop")
app = FastAPI(title="Shop")
headrace_fastapi.init_app(app)  # each request has an ID, and its response says which


class Order(BaseModel):
    """An order, as a customer sends it."""

    number: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    article: str = Field(min_length=1, max_length=60)
    quantity: int = Field(ge=1, le=1000)
    carrier_failures: int = Field(default=0, ge=0, le=100)  # how often the carrier is down for it
    kill_worker: StrictBool = False  # whether the worker's process is killed while it has it


class Outcome(BaseModel):
    """How an order ended."""

    status: Literal["shipped", "refused", "failed"]
    detail: str


outcomes: dict[str, Outcome | None] = {}


@app.post("/orders", status_code=202)
@order.entrypoint
def receive(new: Order) -> dict[str, str]:
    """Take an order and hand it to the worker."""
    log.info("received: %d x %s", new.quantity, new.article, extra={"order": new.number})
    outcomes[new.number] = None
    if FULFILMENT:
        hand_over(new.model_dump())
    else:
        fulfil.delay(new.model_dump())
    return {"number": new.number}


def hand_over(order: dict[str, Any]) -> None:
    """Give an order to the durable worker, as soon as that is up again if it is not."""
    with httpx.Client(event_hooks=httpx_hooks(hosts=["127.0.0.1"]), trust_env=False) as http:
        while True:
            try:
                url = f"{FULFILMENT}/fulfilments/{order['number']}"
                http.put(url, json=order, timeout=30).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.2)
            else:
                return


@app.put("/orders/{number}/outcome")
@order.step(after=["reserve", "book", "release"])
async def confirm(number: str, outcome: Outcome) -> dict[str, str]:
    """Tell the customer how it ended."""
    if number not in outcomes:
        raise HTTPException(404, f"no order {number}")
    outcomes[number] = outcome
    log.info("%s: %s", outcome.status, outcome.detail, extra={"order": number})
    return {"number": number}


@app.get("/orders")
async def all_orders() -> dict[str, Outcome | None]:
    """Every order with its outcome, null while it is on its way."""
    return outcomes
