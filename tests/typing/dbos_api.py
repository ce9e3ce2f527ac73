"""Uses headrace_dbos the way a typed program does: type-checked, never run."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

import headrace_dbos
from headrace import AsyncChain, Chain, ChainResult
from headrace_dbos import AsyncDurableChain, AsyncHandle, DurableChain, Handle, durable


def use_sync(chain: Chain) -> None:
    """Run a chain, and administer its runs."""
    orders = durable(chain, name="orders", queue="slow")
    assert_type(orders, DurableChain)
    headrace_dbos.launch("sqlite:///runs.sqlite", executor_id="web-1", serializer="json")
    assert_type(orders.run("r1", order=7), ChainResult)
    handle = orders.start(order=7)
    assert_type(handle, Handle)
    assert_type(handle.result(), ChainResult)
    assert_type(handle.status(), str)
    assert_type([step.name for step in handle.watch()], list[str])
    handle.cancel()
    assert_type(headrace_dbos.recover("web-2"), int)
    for each in headrace_dbos.unfinished():
        assert_type(headrace_dbos.resume(each.run_id), Handle)
        assert_type(headrace_dbos.fork(each.run_id, "ship", accept_change=True), Handle)
    assert_type(headrace_dbos.delete_finished(older_than=timedelta(days=30)), int)
    headrace_dbos.shutdown()


async def use_async(chain: AsyncChain) -> None:
    """Await a chain."""
    orders = durable(chain)
    assert_type(orders, AsyncDurableChain)
    assert_type(await orders.run("r1", order=7), ChainResult)
    handle = await orders.start()
    assert_type(handle, AsyncHandle)
    assert_type(await handle.result(), ChainResult)
    assert_type([step.seconds async for step in handle.watch()], list[float])
