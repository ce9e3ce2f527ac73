"""The shop: takes orders over HTTP, and hears how they end. FastAPI on uvicorn."""

from __future__ import annotations

import logging
from typing import Literal

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field, StrictBool

import headrace_fastapi
import logs
from flows import order
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
    fulfil.delay(new.model_dump())
    return {"number": new.number}


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
