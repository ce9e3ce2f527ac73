"""The night in the depot: all trams at once, each in its own order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from .flows import depot

limit = asyncio.Semaphore(4)


@depot.entrypoint
async def come_home(trams: list[str]) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(power())
        stack.push_async_callback(count_trams, trams)
        results = await asyncio.gather(*(night_of(tram) for tram in trams), return_exceptions=True)
        broken = [result for result in results if isinstance(result, Exception)]
        if broken:
            await order_bus(len(broken))
        done, _ = await asyncio.wait([asyncio.ensure_future(sweep_yard())])
        await asyncio.shield(write_night_log(results))


@asynccontextmanager
async def power() -> AsyncIterator[None]:
    await switch_on_lights()
    try:
        yield
    finally:
        await switch_off_lights()


@depot.step(after="come_home")
async def switch_on_lights() -> None: ...


@depot.step(after=["write_night_log", "count_trams"])
async def switch_off_lights() -> None: ...


async def night_of(tram: str) -> str:
    async with limit:
        washed = await wash(tram)
        async with asyncio.timeout(3600):
            await check_brakes(tram)
            await grease(tram)
        return washed


@depot.step(after=switch_on_lights)
async def wash(tram: str) -> str:
    return tram


@depot.step(after="grease")
async def check_brakes(tram: str) -> None:
    """Greased rails make the test fail; so it was moved up."""


@depot.step(after=wash)
async def grease(tram: str) -> None: ...


@depot.step(after=grease)
async def order_bus(number: int) -> None: ...


@depot.step(after=order_bus)
async def sweep_yard() -> None: ...


@depot.step(after=["sweep_yard", "grease"])
async def write_night_log(results: list[object]) -> None: ...


@depot.step(after="write_night_log")
async def count_trams(trams: list[str]) -> None: ...


@depot.step(after="order_bus")
async def repair(tram: str) -> None:
    """Was gathered with the washing."""
