from __future__ import annotations

from typing import Self

import httpx

from .flows import ordering
from .schemas import Line


class StockClient:
    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.aclose()

    @ordering.step(after="check_basket")
    async def reserve(self, line: Line) -> None:
        answer = await self._http.post(f"/articles/{line.article}/reserve")
        answer.raise_for_status()
