# === awaits: shown call
async def start():
    await a()
    await b()


# === a task: shown call
import asyncio
async def start():
    await a()
    asyncio.create_task(b())


# === a task that is awaited: shown call
import asyncio
async def start():
    await a()
    t = asyncio.create_task(b())
    await t


# === two at once: open
import asyncio
async def start():
    await asyncio.gather(a(), b())


# === behind a gathering: shown call
import asyncio
async def start(xs):
    await asyncio.gather(*[a(x) for x in xs])
    await b()


# === behind a task group: shown call
import asyncio
async def start():
    async with asyncio.TaskGroup() as group:
        group.create_task(a())
    await b()


# === one task group: open
import asyncio
async def start():
    async with asyncio.TaskGroup() as group:
        group.create_task(a())
        group.create_task(b())


# === a timeout: shown call
import asyncio
async def start():
    await a()
    async with asyncio.timeout(3):
        await b()


# === wait_for: shown call
import asyncio
async def start():
    await asyncio.wait_for(a(), 3)
    await asyncio.shield(b())


# === async for: shown call
async def start():
    async for x in items():
        await b(x)

async def items():
    yield await a()


# === async with: shown call
from contextlib import asynccontextmanager
@asynccontextmanager
async def around():
    await a()
    yield

async def start():
    async with around():
        await b()


# === an async comprehension: shown call
async def start(xs):
    await a()
    return [await b(x) async for x in xs]


# === asyncio.run: shown call
import asyncio
def start():
    asyncio.run(both())

async def both():
    await a()
    await b()


# === a coroutine awaited later: shown call
async def start():
    later = b()
    await a()
    await later


# === in the loop: shown call
import asyncio
async def start():
    loop = asyncio.get_running_loop()
    await a()
    loop.create_task(b())


# === anyio's task group: shown call
import anyio
async def start():
    await a()
    async with anyio.create_task_group() as group:
        group.start_soon(b, 1)


# === a queue between: open
import asyncio
queue = asyncio.Queue()
async def start():
    await a()
    await queue.put(b)
    worker = await queue.get()
    await worker()


# === two tasks at once: open
import asyncio
async def start():
    first = asyncio.create_task(a())
    second = asyncio.create_task(b())
    await asyncio.wait({first, second})


# === two tasks one after the other: shown call
import asyncio
async def start():
    first = asyncio.create_task(a())
    await first
    second = asyncio.create_task(b())
    await second


# === two tasks that helpers begin: open
import asyncio
async def one():
    asyncio.create_task(a())
async def two():
    asyncio.create_task(b())
async def start():
    await one()
    await two()


# === two tasks that helpers begin and await: shown call
import asyncio
async def one():
    await asyncio.create_task(a())
async def two():
    await asyncio.create_task(b())
async def start():
    await one()
    await two()


# === a task, and what the function itself runs: shown call
import asyncio
async def start():
    asyncio.create_task(a())
    await b()


# === a task or the other thing: not shown
import asyncio
async def start(x):
    if x:
        asyncio.create_task(a())
    else:
        await b()


# === a task behind tasks that were gathered: shown call
import asyncio
async def start(xs):
    tasks = [asyncio.create_task(a(x)) for x in xs]
    await asyncio.gather(*tasks)
    asyncio.create_task(b())


# === a task of a group that is awaited in it: shown call
import asyncio
async def start():
    async with asyncio.TaskGroup() as group:
        first = group.create_task(a())
        await first
        group.create_task(b())


# === what is called when a task has ended: shown call
import asyncio
async def start():
    task = asyncio.create_task(a())
    task.add_done_callback(b)


# === what is called when another task has ended: open
import asyncio
async def rest(): ...
async def start():
    asyncio.create_task(a())
    task = asyncio.create_task(rest())
    task.add_done_callback(b)


# === an awaitable of one's own: shown call
class Ready:
    def __await__(self):
        return b().__await__()
async def start():
    await a()
    await Ready()
