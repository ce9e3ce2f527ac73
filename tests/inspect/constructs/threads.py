# === to_thread: shown call
import asyncio
async def start():
    a()
    await asyncio.to_thread(b, 1)


# === run_in_executor: shown call
import asyncio
async def start():
    a()
    loop = asyncio.get_event_loop()
    await loop.run_in_executor(None, b)


# === call_soon: shown call
import asyncio
async def start():
    a()
    asyncio.get_running_loop().call_soon(b)


# === sync_to_async: shown call
from asgiref.sync import sync_to_async
async def start():
    a()
    await sync_to_async(b)()
