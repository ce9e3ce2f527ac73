"""Parameters of FastAPI's path operations that receive the current unit of work."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from headrace import FlowContext, OutsideFlowError, get_flow_context


# Async, since FastAPI would run a plain function in a thread.
async def _current_flow() -> FlowContext:
    context = get_flow_context()
    if context is None:
        raise OutsideFlowError(
            "this request has no unit of work; call headrace_fastapi.init_app(app), and do not "
            "list the path in exclude_paths"
        )
    return context


async def _flow_id() -> str:
    return (await _current_flow()).correlation_id


CurrentFlow = Annotated[FlowContext, Depends(_current_flow)]
"""The `FlowContext` of the request: ``async def view(flow: CurrentFlow)``."""

FlowId = Annotated[str, Depends(_flow_id)]
"""The correlation ID of the request: ``async def view(cid: FlowId)``."""
