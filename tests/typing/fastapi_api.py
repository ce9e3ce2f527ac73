"""Uses headrace_fastapi the way a typed program does: type-checked, never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, assert_type

from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware

from headrace import AsyncChain, Chain, ChainResult, FlowContext
from headrace_fastapi import (
    CurrentFlow,
    FlowId,
    FlowMiddleware,
    chain_error_handlers,
    chain_responses,
    init_app,
    run_chain,
)

app = FastAPI()
init_app(app, trust_inbound=False, exclude_paths=["/health"])
init_app(app, trust_inbound=lambda scope: True, response_header=None, write_request_header=True)
init_app(Starlette(middleware=[Middleware(FlowMiddleware, access_log=True)]))
chain_error_handlers(app)


async def inputs(number: int) -> Mapping[str, Any]:
    """Give the inputs of a chain."""
    return {"number": number}


place = run_chain(AsyncChain(), inputs, cancel_on_disconnect=True)
place_sync = run_chain(Chain(), inputs)


@app.get("/orders", responses=chain_responses())
async def view(
    cid: FlowId, flow: CurrentFlow, result: Annotated[ChainResult, Depends(place)]
) -> ChainResult:
    """Take the parameters as what they are."""
    assert_type(cid, str)
    assert_type(flow, FlowContext)
    assert_type(result, ChainResult)
    return result
