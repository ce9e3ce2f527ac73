from fastapi import Header, HTTPException

from .flows import booking


@booking.entrypoint
async def current_patient(authorization: str = Header()) -> str:
    patient = await look_up(authorization)
    if patient is None:
        raise HTTPException(401)
    return patient


@booking.step(after=current_patient)
async def look_up(token: str) -> str | None:
    return token or None
