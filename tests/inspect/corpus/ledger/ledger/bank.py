from __future__ import annotations

from headrace import flow

imports = flow("import")


class Connection:
    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Connection:
        await self.connect()
        return self

    async def __aexit__(self, *exc) -> None:
        await self.disconnect()

    @imports.step(after="main")
    async def connect(self) -> None:
        print("connect")

    @imports.step(after="checksum")
    async def disconnect(self) -> None:
        print("disconnect")

    @imports.step(after="connect")
    async def read_lines(self):
        for number in range(3):
            yield f"{number};EUR"

    @imports.step(after=["report", "book"])
    async def rollback(self) -> None:
        print("rollback")
