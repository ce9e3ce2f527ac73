"""The stock of the shelves, kept up to date beside the requests."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from fastapi import FastAPI

from . import db
from .flows import stock

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
@stock.entrypoint
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    await connect_pool()
    app.state.poller = asyncio.create_task(poll_forever(), name="poller")
    yield {"pool": db.pool}
    app.state.poller.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await app.state.poller
    await flush_metrics()
    await close_pool()


@stock.step(after=lifespan)
async def connect_pool() -> None:
    await db.pool.open("postgresql://db/grocer")


async def poll_forever(seconds: float = 5) -> None:
    while True:
        try:
            await poll_once()
        except OSError:
            log.exception("the shelves do not answer")
            await alarm()
        await asyncio.sleep(seconds)


@stock.step(after="connect_pool")
async def poll_once() -> None:
    for delta in await fetch_deltas():
        apply_delta(delta)


async def fetch_deltas() -> list[int]:
    return []


@stock.step(after="poll_once")
def apply_delta(delta: int) -> None:
    log.debug("delta %s", delta)


@stock.step(after=poll_once)
async def alarm() -> None:
    log.critical("alarm")


@stock.step(after=["connect_pool"])
async def close_pool() -> None:
    await db.pool.close()


@stock.step(after=close_pool)
async def flush_metrics() -> None:
    """Needs the pool, and so had to go before."""
