from contextlib import asynccontextmanager

from fastapi import FastAPI

from headrace import entrypoint, step

from .api import parcels, tracking
from .services.push import PushHub


@entrypoint("fleet")
async def boot(app: FastAPI) -> PushHub:
    hub = PushHub()
    await warm_up(hub)
    return hub


@step("fleet", after="boot")
async def warm_up(hub: PushHub) -> None:
    await hub.connect()


@step("fleet", after="warm_up")
async def cool_down(hub: PushHub) -> None:
    await hub.close()


@step("fleet", after="cool_down")
async def park() -> None:
    print("parked")


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.hub = await boot(app)
    if app.debug:
        await stand_by()
        yield
        return
    yield
    await cool_down(app.state.hub)


@entrypoint("fleet")
async def stand_by() -> None:
    await park()


app = FastAPI(lifespan=lifespan)
app.include_router(parcels.router, prefix="/parcels")
app.include_router(tracking.router)
