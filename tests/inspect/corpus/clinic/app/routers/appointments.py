import asyncio
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from .. import storage
from ..flows import booking
from ..mailer import mailer
from ..security import current_patient
from ..storage import find_slot, store_appointment as store

router = APIRouter(prefix="/appointments")


class Wish(BaseModel):
    day: str
    doctor: str | None = None


@router.post("", status_code=201)
async def book(
    wish: Wish,
    background: BackgroundTasks,
    patient: Annotated[str, Depends(current_patient)],
) -> dict[str, int | None]:
    slot = await find_slot(wish.day)
    if slot is None:
        await storage.join_waiting_list(patient, wish.day)
        background.add_task(storage.count_request, wish.day)
        return {"number": None}
    number = await store(patient, slot)
    background.add_task(mailer.send_invitation, patient)
    background.add_task(storage.count_request, day=wish.day)
    await run_in_threadpool(storage.write_audit_line, patient, number)
    asyncio.create_task(storage.remind_the_day_before(patient))
    return {"number": number}


@router.delete("/{number}")
@booking.step(after="current_patient")
async def cancel_slot(
    number: int, background: BackgroundTasks, patient: str = Depends(current_patient)
) -> None:
    background.add_task(mailer.send_regrets, patient)
