"""A measuring station: asyncio in all its forms."""

import asyncio
import functools
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from asgiref.sync import async_to_sync, sync_to_async

from headrace import entrypoint, flow, step

measuring = flow("measuring")


@measuring.entrypoint
async def round_trip(sensors: list[str]) -> None:
    async with power() as volts:
        raw = await asyncio.wait_for(read_all(sensors, volts), timeout=3)
    checked = [await check(value) for value in raw]
    smoothing = asyncio.ensure_future(smooth(checked))
    archiving = archive(checked)
    await publish(await smoothing)
    await archiving
    await asyncio.shield(mark_done())
    for finished in asyncio.as_completed([send_mail(checked), send_text(checked)]):
        await finished
    async for line in summarise(checked):
        await write_line(line)
    await asyncio.to_thread(compress, "today.csv")
    await sync_to_async(rotate_logs)()
    async with anyio.create_task_group() as group:
        group.start_soon(blink, 3)
    loop = asyncio.get_running_loop()
    loop.call_later(60, cool_down)
    await asyncio.gather(*(calibrate(sensor) for sensor in sensors), return_exceptions=True)
    await asyncio.wait([asyncio.create_task(sleep_mode())])


@asynccontextmanager
async def power() -> AsyncIterator[int]:
    await switch_on()
    try:
        yield 5
    finally:
        await switch_off()


@measuring.step(after="round_trip")
async def switch_on() -> None: ...


@measuring.step(after="read_all")
async def switch_off() -> None: ...


@measuring.step(after="switch_on")
async def read_all(sensors: list[str], volts: int) -> list[float]:
    return await asyncio.gather(*map(read_one, sensors))


@measuring.step(after="read_all")
async def read_one(sensor: str) -> float:
    return 1.0


@measuring.step(after=["read_one", "switch_off"])
async def check(value: float) -> float:
    return value


@measuring.step(after="check")
async def smooth(values: list[float]) -> list[float]:
    return values


@measuring.step(after=smooth)
async def publish(values: list[float]) -> None: ...


@measuring.step(after="publish")
async def archive(values: list[float]) -> None:
    """Awaited only after the publishing."""


@measuring.step(after="archive")
async def mark_done() -> None: ...


@measuring.step(after="mark_done")
async def send_mail(values: list[float]) -> None: ...


@measuring.step(after=["mark_done", "send_mail"])
async def send_text(values: list[float]) -> None: ...


@measuring.step(after=["send_mail", "send_text"])
async def summarise(values: list[float]) -> AsyncIterator[str]:
    for value in values:
        yield str(value)


@measuring.step(after="summarise")
async def write_line(line: str) -> None: ...


@measuring.step(after="write_line")
def compress(path: str) -> None: ...


@measuring.step(after="compress")
def rotate_logs() -> None: ...


@measuring.step(after="rotate_logs")
async def blink(times: int) -> None: ...


@measuring.step(after="blink")
def cool_down() -> None: ...


@measuring.step(after="cool_down")
async def calibrate(sensor: str) -> None: ...


@measuring.step(after="calibrate")
async def sleep_mode() -> None: ...


@measuring.step(after="sleep_mode")
async def wake_up() -> None:
    """The hardware does this now."""


# --- the program ----------------------------------------------------------------------------------


@entrypoint("station")
def main() -> None:
    asyncio.run(serve())
    async_to_sync(shut_down)()
    report = functools.partial(final_report, "station 7")
    report()


@step("station", after="main")
async def serve() -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    while True:
        await round_trip(["wind", "rain"])
        if await enough():
            break


@step("station", after="serve")
async def enough() -> bool:
    return True


@step("station", after="serve")
def stop() -> None:
    """When the operating system says so."""


@step("station", after=["enough"])
async def shut_down() -> None: ...


@step("station", after="shut_down")
def final_report(name: str) -> None: ...
