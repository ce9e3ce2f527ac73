"""Chains as dependencies of FastAPI's path operations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from headrace import AsyncChain, Chain, ChainResult
from headrace.integration import checks_keywords

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a request whose client has disconnected; it appears only in logs."""

Dependency = Callable[..., Awaitable[ChainResult]]


@checks_keywords
def run_chain(
    chain: AsyncChain | Chain,
    inputs: Callable[..., Any],
    *,
    cancel_on_disconnect: bool = False,
) -> Dependency:
    """Return a dependency that runs `chain` once per request and provides its `ChainResult`.

    An `AsyncChain` is awaited, and a `Chain` runs in the thread pool. Like FastAPI's own handlers,
    it runs to completion even if the client disconnects, unless `cancel_on_disconnect` is set.

    Args:
        chain: the chain, which all requests share.
        inputs: a dependency that returns a mapping of the chain's inputs; its own parameters
            appear in the OpenAPI document.
        cancel_on_disconnect: whether to cancel an `AsyncChain` when the client disconnects; its
            undos still run. The request's body is then read into memory first.

    Raises:
        TypeError: `chain` is not a chain, or `inputs` is not callable.
        ValueError: `cancel_on_disconnect` is set for a `Chain`, whose thread cannot be interrupted.
    """
    if not isinstance(chain, AsyncChain | Chain):
        raise TypeError(f"run_chain() takes an AsyncChain or a Chain, not {chain!r}")
    if not callable(inputs):
        raise TypeError(f"inputs must be a dependency that returns a mapping, not {inputs!r}")
    if cancel_on_disconnect and isinstance(chain, Chain):
        raise ValueError(
            "cancel_on_disconnect needs an AsyncChain: a Chain runs in a thread, which cannot be "
            "interrupted"
        )
    given = Depends(inputs)
    run = _runner(chain)

    async def run_to_completion(values: Any = given) -> ChainResult:
        return await run(**_checked(values, inputs))

    async def run_until_disconnect(request: Request, values: Any = given) -> ChainResult:
        return await _until_disconnect(request, run(**_checked(values, inputs)))

    return run_until_disconnect if cancel_on_disconnect else run_to_completion


def _runner(chain: AsyncChain | Chain) -> Callable[..., Coroutine[Any, Any, ChainResult]]:
    if isinstance(chain, AsyncChain):
        return chain.run

    async def run(**values: Any) -> ChainResult:
        return await run_in_threadpool(chain.run, **values)

    return run


def _checked(values: object, inputs: Callable[..., Any]) -> Mapping[str, Any]:
    if isinstance(values, Mapping):
        return values
    name = getattr(inputs, "__qualname__", repr(inputs))
    raise TypeError(
        f"the inputs dependency {name} of run_chain() must return a mapping of the chain's inputs, "
        f"not {type(values).__name__}"
    )


async def _until_disconnect(request: Request, run: Coroutine[Any, Any, ChainResult]) -> ChainResult:
    # In its own task, so that it can be cancelled and its undos awaited.
    chain = asyncio.ensure_future(run)
    disconnect = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({chain, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        if chain.done():
            return chain.result()
        raise HTTPException(CLIENT_CLOSED_REQUEST, "the client has disconnected")
    finally:
        disconnect.cancel()
        chain.cancel()
        await asyncio.wait({chain, disconnect})
        if not chain.cancelled():
            chain.exception()  # or asyncio would log that the exception was never retrieved


async def _disconnected(request: Request) -> None:
    try:
        # The request keeps the body for the handler. After that, the only possible message is a
        # disconnect.
        await request.body()
    except ClientDisconnect:
        return
    except RuntimeError:
        pass  # FastAPI has parsed a form, and consumed the body without keeping it
    while (await request.receive())["type"] != "http.disconnect":
        pass
