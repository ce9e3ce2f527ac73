from __future__ import annotations

from .flows import booking


@booking.step(after=["look_up"])
async def find_slot(day: str) -> str | None:
    return day


@booking.step(after=find_slot)
async def store_appointment(patient: str, slot: str) -> int:
    return hash((patient, slot))


@booking.step(after=["find_slot"])
async def join_waiting_list(patient: str, day: str) -> None: ...


@booking.step(after="store_appointment")
def write_audit_line(patient: str, number: int) -> None:
    print("audit", patient, number)


@booking.step(after="store_appointment", name="remind")
async def remind_the_day_before(patient: str) -> None: ...


@booking.step(after=["join_waiting_list", "store_appointment"])
def count_request(day: str) -> None:
    print("count", day)


@booking.step(after="join_waiting_list")
def offer_other_doctor(patient: str) -> None:
    print("offer", patient)
