from __future__ import annotations

import asyncio
import functools
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from . import positions
from .flows import dispatch
from .radio import Radio


@dispatch.entrypoint
async def serve(host: str) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, hang_up)
    queue: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
    try:
        async with Radio(host) as radio, asyncio.TaskGroup() as group:
            workers = [group.create_task(work(queue, radio)) for _ in range(3)]
            async for line in radio.lines():
                await queue.put(line)
            await queue.join()
            for worker in workers:
                worker.cancel()
    except* OSError:
        await go_manual()
    await close_log()


async def work(queue: asyncio.Queue[str], radio: Radio) -> None:
    while True:
        line = await queue.get()
        try:
            await handle_line(line, radio)
        finally:
            queue.task_done()


@dispatch.step(after="read_line")
async def handle_line(line: str, radio: Radio) -> None:
    tram, _, rest = line.partition(" ")
    match rest.split():
        case ["POS", lat, lon]:
            await positions.update(tram, float(lat), float(lon))
        case ["STOP", reason]:
            await stop_traffic(tram, reason)
        case _:
            await radio.answer(f"{tram} ?")
            return
    await radio.answer(f"{tram} OK")


@dispatch.step(after="handle_line")
async def stop_traffic(tram: str, reason: str) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        await loop.run_in_executor(pool, functools.partial(switch_signals, tram, to="red"))
    police = asyncio.create_task(call_police(reason))
    police.add_done_callback(note_call)
    medics = asyncio.create_task(call_medics(reason))
    await asyncio.wait({police, medics}, timeout=10)
    await tell_passengers(reason)


@dispatch.step(after=stop_traffic)
def switch_signals(tram: str, *, to: str) -> None: ...


@dispatch.step(after=switch_signals)
async def call_police(reason: str) -> None: ...


@dispatch.step(after=["switch_signals", "call_police"])
async def call_medics(reason: str) -> None: ...


@dispatch.step(after="call_police")
def note_call(task: asyncio.Task[None]) -> None: ...


@dispatch.step(after=[call_police, call_medics])
async def tell_passengers(reason: str) -> None: ...


@dispatch.step(after="tell_passengers")
async def resume_traffic(tram: str) -> None:
    """By hand, from another console."""


@dispatch.step(after="serve")
def hang_up() -> None:
    sys.exit(1)


@dispatch.step(after="tune_in")
async def go_manual() -> None: ...


@dispatch.step(after=["tune_out", "go_manual"])
async def close_log() -> None: ...


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
