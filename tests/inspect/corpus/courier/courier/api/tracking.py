import asyncio

from fastapi import APIRouter

from headrace import entrypoint, step

from .deps import Hub

router = APIRouter()


@router.get("/track/{number}")
@entrypoint("tracking")
async def track(number: int, hub: Hub):
    jobs = [locate(number, source) for source in ("scanner", "gps")]
    places = await asyncio.gather(*jobs)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(estimate(number))
    answer = merge(places, first.result())
    await hub.push(answer)
    return answer


@step("tracking", after="track")
async def locate(number, source):
    return source, number


@step("tracking", after="track")
async def estimate(number):
    return number


@step("tracking", after=["locate", "estimate"])
def merge(places, eta):
    return {"places": places, "eta": eta}
