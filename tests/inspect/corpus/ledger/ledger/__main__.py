import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from .bank import Connection, imports
from .booking import audit, book, checksum, convert
from .rates import Rates

pool = ThreadPoolExecutor(max_workers=2)


@imports.entrypoint
async def main(url: str) -> None:
    rates = Rates()
    queue: asyncio.Queue = asyncio.Queue()
    worker = asyncio.create_task(drain(queue))
    async with Connection(url) as bank:
        entries = []
        async for line in bank.read_lines():
            entry = parse(line)
            entries.append(entry)
            await queue.put(("store", entry))
        converted = [convert(entry) for entry in entries]
        await rates.load({currency for _, currency in converted})
        loop = asyncio.get_running_loop()
        try:
            numbers = await loop.run_in_executor(pool, partial(book, converted, dry=False))
            audited = list(pool.map(audit, numbers))
        except ValueError:
            await bank.rollback()
            raise
        async with asyncio.timeout(5):
            await checksum(audited)
    worker.cancel()
    summary = print_report(audited)
    report(summary)


async def drain(queue: asyncio.Queue) -> None:
    while True:
        kind, entry = await queue.get()
        await HANDLERS[kind](entry)


@imports.step(after="read_lines")
def parse(line: str) -> tuple[str, str]:
    number, _, currency = line.partition(";")
    return number, currency


@imports.step(after=parse)
async def store(entry) -> None:
    print(entry)


HANDLERS = {"store": store}


@imports.step(after="disconnect")
def report(summary) -> None:
    print(summary)


@imports.step(after=report)
def print_report(numbers) -> str:
    return ", ".join(numbers)


if __name__ == "__main__":
    asyncio.run(main("bank://localhost"))
