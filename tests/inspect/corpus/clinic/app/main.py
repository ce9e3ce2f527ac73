from contextlib import asynccontextmanager

from fastapi import FastAPI

import headrace_fastapi

from .routers import appointments, labs
from .warmup import load_calendar, start


@asynccontextmanager
async def lifespan(app: FastAPI):
    await start()
    yield


app = FastAPI(lifespan=lifespan)
headrace_fastapi.init_app(app)
app.include_router(appointments.router, prefix="/api")
app.include_router(labs.router, prefix="/api")
