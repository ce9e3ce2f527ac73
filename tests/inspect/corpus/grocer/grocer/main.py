from fastapi import FastAPI

from headrace_fastapi import init_app

from .polling import lifespan
from .routers import routers


def create_app() -> FastAPI:
    app = FastAPI(title="grocer", lifespan=lifespan)
    init_app(app)
    for router in routers:
        app.include_router(router)
    return app


app = create_app()
