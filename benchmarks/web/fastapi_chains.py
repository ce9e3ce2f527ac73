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


async def _by_hand(inputs: _Inputs) -> ChainResult:
    return await _chain.run(**inputs)


_ResultByHand = Annotated[ChainResult, Depends(_by_hand)]


async def _bare_handler(number: int = 1) -> dict[str, Any]:
    return {"doubled": number}


async def _awaiting(number: int = 1) -> dict[str, Any]:
    return {"doubled": (await _chain.run(number=number))["doubled"]}


async def _awaiting_with_inputs(inputs: _Inputs) -> dict[str, Any]:
    return {"doubled": (await _chain.run(**inputs))["doubled"]}


async def _given_result(result: _Result) -> dict[str, Any]:
    return {"doubled": result["doubled"]}


async def _given_result_by_hand(result: _ResultByHand) -> dict[str, Any]:
    return {"doubled": result["doubled"]}


def groups() -> list[Group]:
    """Return what is compared.

    Nearly all that `run_chain` adds is what FastAPI takes for any dependency, so that one which
    awaits the chain stands beside it. A handler that awaits the chain has the same dependency for
    its inputs, or none at all.
    """
    headrace.configure("none")
    bare = FastAPI()
    bare.add_api_route("/", _bare_handler)
    app = FastAPI()
    init_app(app)
    for path, handler in {
        "/awaiting": _awaiting,
        "/awaiting-with-inputs": _awaiting_with_inputs,
        "/run-chain": _given_result,
        "/by-hand": _given_result_by_hand,
    }.items():
        app.add_api_route(path, handler)
    no_dependency = case("awaiting", asgi(app, "/awaiting"))
    same_inputs = case("awaiting, with inputs", asgi(app, "/awaiting-with-inputs"))
    run = asgi(app, "/run-chain")
    return [
        Group(
            "FastAPI: time added to a handler that awaits the chain, in bare requests",
            [
                case("a bare request", asgi(bare)),
                case("hand-written dependency", asgi(app, "/by-hand"), same_inputs),
                case("headrace run_chain", run, same_inputs, 15 / 85),
                case("headrace, beside no dependency", run, no_dependency),
            ],
        )
    ]
