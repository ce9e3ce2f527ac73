from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from .flows import timetable


class Planner:
    def __init__(self) -> None:
        self._done = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @timetable.entrypoint
    async def plan(self, lines: list[int]) -> None:
        await self.load_streets()
        async for line in self.numbered(lines):
            task = asyncio.create_task(self.plan_line(line))
            self._tasks.add(task)
        for finished in asyncio.as_completed(self._tasks):
            await finished
        threading.Thread(target=self.print_posters, name="printer").start()
        await asyncio.get_running_loop().run_in_executor(None, self._done.wait)
        self.hang_posters()

    async def numbered(self, lines: list[int]) -> AsyncIterator[int]:
        for line in lines:
            yield await self.renumber(line)

    @timetable.step(after=plan)
    async def load_streets(self) -> None: ...

    @timetable.step(after=load_streets)
    async def renumber(self, line: int) -> int:
        return line + 1

    @timetable.step(after=renumber)
    async def plan_line(self, line: int) -> None:
        fast, slow = await asyncio.gather(self.fast_route(line), self.slow_route(line))
        best = min((fast, slow), key=self.cost)
        await self.book_route(best)

    @timetable.step(after="plan_line")
    async def fast_route(self, line: int) -> list[int]:
        return [line]

    @timetable.step(after=["plan_line", "fast_route"])
    async def slow_route(self, line: int) -> list[int]:
        return [line] * 2

    @timetable.step(after=[fast_route, slow_route])
    def cost(self, route: list[int]) -> int:
        return len(route)

    @timetable.step(after="costs")
    async def book_route(self, route: list[int]) -> None: ...

    @timetable.step(after="book_route")
    def print_posters(self) -> None:
        self._done.set()

    @timetable.step(after="print_posters")
    def hang_posters(self) -> None: ...

    @timetable.step(after="hang_posters")
    def take_down_posters(self) -> None:
        """Students do that."""


def main() -> None:
    planner = Planner()
    with asyncio.Runner() as runner:
        runner.run(planner.plan([1, 2, 3]))
