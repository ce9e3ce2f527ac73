from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from .flows import dispatch

_last: dict[str, Position] = {}
_waiting: defaultdict[str, list[asyncio.Future[Position]]] = defaultdict(list)


@dataclass(frozen=True)
class Position:
    lat: float
    lon: float


@dispatch.step(after="handle_line", name="update_position")
async def update(tram: str, lat: float, lon: float) -> None:
    position = Position(lat, lon)
    late = await asyncio.to_thread(delay_of, position)
    _last[tram] = position
    for future in _waiting.pop(tram, []):
        future.set_result(position)
    if late > 60:
        asyncio.get_running_loop().call_soon(show_delay, tram, late)


@dispatch.step(after="update_position")
def delay_of(position: Position) -> float:
    return abs(position.lat)


@dispatch.step(after="store_position")
def show_delay(tram: str, late: float) -> None: ...


@dispatch.step(after="delay_of")
async def store_position(tram: str, position: Position) -> None:
    """The table was dropped."""
