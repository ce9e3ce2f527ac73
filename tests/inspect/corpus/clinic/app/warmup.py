import asyncio

from headrace import entrypoint, step


@entrypoint("warmup")
async def start() -> None:
    calendar, doctors = await asyncio.gather(load_calendar(), load_doctors())
    await link_rooms(calendar, doctors)


@step("warmup", after="start")
async def load_calendar() -> list[str]:
    await asyncio.sleep(0)
    return []


@step("warmup", after=["start"])
async def load_doctors() -> list[str]:
    await asyncio.sleep(0)
    return []


@step("warmup", after=["load_calendar", "load_doctors"])
async def link_rooms(calendar: list[str], doctors: list[str]) -> None: ...


@step("warmup", after="load_doctors")
async def check_licences() -> None:
    """Moved into the doctors' own service; nothing awaits it here."""
