"""`run_chain` beside a FastAPI handler that awaits the chain itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI

import headrace
from benchmarks.harness import Group
from benchmarks.web.sending import asgi, case
from headrace import ChainResult
from headrace_fastapi import init_app, run_chain


async def _double(number: int) -> int:
    return 2 * number


async def _inputs(number: int = 1) -> dict[str, Any]:
    return {"number": number}


_chain = headrace.AsyncChain().next(_double, out="doubled", args=["number"])
_Inputs = Annotated[dict[str, Any], Depends(_inputs)]
_Result = Annotated[ChainResult, Depends(run_chain(_chain, _inputs))]


async def _bare_handler(number: int = 1) -> dict[str, Any]:
    return {"doubled": number}


async def _awaiting(number: int = 1) -> dict[str, Any]:
    return {"doubled": (await _chain.run(number=number))["doubled"]}


async def _awaiting_with_inputs(inputs: _Inputs) -> dict[str, Any]:
    return {"doubled": (await _chain.run(**inputs))["doubled"]}


async def _given_result(result: _Result) -> dict[str, Any]:
    return {"doubled": result["doubled"]}


def groups() -> list[Group]:
    """Return what is compared: what FastAPI takes for a dependency of its own stands apart."""
    headrace.configure("none")
    bare = FastAPI()
    bare.add_api_route("/", _bare_handler)
    app = FastAPI()
    init_app(app)
    for path, handler in {
        "/awaiting": _awaiting,
        "/awaiting-with-inputs": _awaiting_with_inputs,
        "/run-chain": _given_result,
    }.items():
        app.add_api_route(path, handler)
    awaiting = case("awaiting", asgi(app, "/awaiting"))
    same_inputs = case("awaiting, with inputs", asgi(app, "/awaiting-with-inputs"))
    run = asgi(app, "/run-chain")
    return [
        Group(
            "FastAPI: time added to a handler that awaits the chain, in bare requests",
            [
                case("a bare request", asgi(bare)),
                case("headrace run_chain, the handler has the inputs", run, same_inputs, 15 / 85),
                case("headrace run_chain, it has no dependency", run, awaiting),
            ],
        )
    ]
