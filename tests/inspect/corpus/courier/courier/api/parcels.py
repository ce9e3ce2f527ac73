from __future__ import annotations

import asyncio

import anyio
from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel

from courier.services.labels import labels
from courier.services.storage import store
from headrace import flow

from .deps import Prices

router = APIRouter(tags=["parcels"])
parcels = flow("parcels")
_running: set[asyncio.Task[None]] = set()


class NewParcel(BaseModel):
    address: str
    weight: float


def _later(tasks: BackgroundTasks, fn, *args) -> None:
    tasks.add_task(fn, *args)


def _spawn(coro) -> None:
    task = asyncio.create_task(coro)
    _running.add(task)
    task.add_done_callback(_running.discard)


@router.post("/", status_code=201)
@parcels.entrypoint
async def create_parcel(body: NewParcel, prices: Prices, tasks: BackgroundTasks):
    validate_address(body.address)
    price = await prices.price(body.weight)
    number = await anyio.to_thread.run_sync(store, body.address, price)
    _later(tasks, labels.print_label, number)
    _spawn(tell_sender(number))
    return {"number": number}


@parcels.step(after=create_parcel)
def validate_address(address: str) -> None:
    if not address:
        raise ValueError("no address")


@parcels.step(after="store")
async def tell_sender(number: int) -> None:
    await asyncio.sleep(0)
