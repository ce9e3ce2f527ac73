"""Small applications that log: each logs one line and answers, or raises."""

from __future__ import annotations

import logging
import logging.config
import os
import sys
from typing import Any

from headrace.logging import dict_config

log = logging.getLogger("shop")
CONFIG = dict_config("json", service="shop")
BY_APPLICATION = os.environ.get("HEADRACE_LOGGING") == "application"


def asgi() -> Any:
    """Return the FastAPI application; it configures logging itself if the environment asks."""
    from fastapi import FastAPI

    import headrace_fastapi

    if BY_APPLICATION:
        logging.config.dictConfig(CONFIG)
    app = FastAPI()

    @app.get("/orders/{number}")
    async def order(number: int) -> str:
        log.info("order %s", number)
        if not number:
            raise RuntimeError("no stock")
        return "ok"

    headrace_fastapi.init_app(app)
    return app


def wsgi() -> Any:
    """Return the Flask application; it configures logging itself if the environment asks."""
    from flask import Flask

    from headrace_flask import Headrace

    if BY_APPLICATION:
        logging.config.dictConfig(CONFIG)
    app = Flask("shop_site")

    @app.get("/orders/<int:number>")
    def order(number: int) -> str:
        log.info("order %s", number)
        if not number:
            raise RuntimeError("no stock")
        return "ok"

    Headrace(app)
    return app


def set_up_django() -> None:
    """Set Django up with one view, and the configuration as its setting."""
    import django
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    def order(_request: object, number: int) -> HttpResponse:
        log.info("order %s", number)
        if not number:
            raise RuntimeError("no stock")
        return HttpResponse("ok")

    settings.configure(
        ALLOWED_HOSTS=["*"],
        DEBUG=True,
        INSTALLED_APPS=["headrace_django"],
        LOGGING=CONFIG,
        MIDDLEWARE=["headrace_django.FlowMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="-",
    )
    globals()["urlpatterns"] = [path("orders/<int:number>", order)]
    django.setup()


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    sys.modules["tests.serving.logging_apps"] = sys.modules["__main__"]
    set_up_django()
    execute_from_command_line(sys.argv)
