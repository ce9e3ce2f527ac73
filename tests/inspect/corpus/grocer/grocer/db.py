from typing import Any


class Session:
    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def execute(self, sql: str, *args: Any) -> Any:
        return await self.connection.execute(sql, *args)


class Pool:
    def __init__(self) -> None:
        self.free: list[Any] = []

    async def acquire(self) -> Any:
        return self.free.pop()

    async def open(self, url: str) -> None:
        self.url = url

    async def close(self) -> None:
        self.free.clear()


pool = Pool()
