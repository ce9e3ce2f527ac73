"""The radio of the trams: a connection, and what comes in over it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from .flows import dispatch

log = logging.getLogger(__name__)


class Radio:
    def __init__(self, host: str, port: int = 4000) -> None:
        self.host = host
        self.port = port
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.tune_in()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.tune_out()

    @dispatch.step(after="serve")
    async def tune_in(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    @dispatch.step(after=["handle_line"])
    async def tune_out(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def lines(self) -> AsyncIterator[str]:
        while not self.reader.at_eof():
            line = await self.read_line()
            if line:
                yield line

    @dispatch.step(after=tune_in)
    async def read_line(self) -> str:
        return (await self.reader.readline()).decode().strip()

    @dispatch.step(after="handle_line")
    async def answer(self, text: str) -> None:
        async with self._lock:
            self.writer.write(text.encode())
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(self.writer.drain(), 2)


@dispatch.step(after="answer")
async def log_answer(text: str) -> None:
    log.info("answered %s", text)
