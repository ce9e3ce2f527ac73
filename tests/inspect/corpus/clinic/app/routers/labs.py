import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request, WebSocket

from ..flows import results

log = logging.getLogger(__name__)
router = APIRouter()
pool = ThreadPoolExecutor(4)


@router.put("/results/{sample}")
@results.entrypoint
async def receive_result(sample: str, request: Request) -> dict[str, str]:
    raw = await request.body()
    loop = asyncio.get_running_loop()
    values = await loop.run_in_executor(pool, decode, raw)
    async with asyncio.TaskGroup() as group:
        group.create_task(save(sample, values))
        group.create_task(compare(sample, values))
    try:
        async with asyncio.timeout(5):
            await notify_doctor(sample)
    except TimeoutError:
        log.warning("doctor not reached")
        await page_on_call(sample)
    finally:
        await close_sample(sample)
    return {"sample": sample}


@results.step(after=receive_result)
def decode(raw: bytes) -> list[float]:
    return [float(part) for part in raw.split()]


@results.step(after="decode")
async def save(sample: str, values: list[float]) -> None: ...


@results.step(after=["decode", "save"])
async def compare(sample: str, values: list[float]) -> None: ...


@results.step(after=[save, "compare"])
async def notify_doctor(sample: str) -> None: ...


@results.step(after=[notify_doctor])
async def page_on_call(sample: str) -> None: ...


@results.step(after=["notify_doctor", "page_on_call"])
async def close_sample(sample: str) -> None: ...


@results.step(after="close_sample")
async def bill_insurance(sample: str) -> None: ...


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    async for sample in socket.iter_text():
        await bill_insurance(sample)
