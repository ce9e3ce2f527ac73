"""The sites as servers import them: ``tests.serving.apps:app``, chosen by the environment.

``HEADRACE_SITE`` names the site, ``HEADRACE_SITE_LOG`` the file that its log goes to, one JSON line
for each.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from headrace.logging import FlowFilter
from tests.sites import LineFormatter


def make_asgi() -> Any:
    from tests.http.asgi_site import make_app

    return make_app({})


def make_starlette() -> Any:
    from tests.fastapi.starlette_site import make_app

    return make_app({})


def make_fastapi() -> Any:
    from tests.fastapi.fastapi_site import make_app

    return make_app({})


def make_wsgi() -> Any:
    from tests.http.wsgi_site import make_app

    return make_app({})


def make_flask() -> Any:
    from headrace_flask import Headrace
    from tests.flask.site import create_site

    app = create_site()
    Headrace(app)
    return app


def set_up_django(urlconf: str) -> None:
    """Configure Django for the site of its tests."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=urlconf,
        INSTALLED_APPS=["headrace_django"],
        MIDDLEWARE=[
            "headrace_django.middleware.FlowMiddleware",
            "tests.django.site.SiteMiddleware",
        ],
        WSGI_APPLICATION="tests.serving.apps.app",
        USE_TZ=True,
    )
    django.setup()


def make_django() -> Any:
    from django.core.wsgi import get_wsgi_application

    set_up_django("tests.django.site")
    return get_wsgi_application()


def make_async_django() -> Any:
    from django.core.asgi import get_asgi_application

    set_up_django("tests.django.site_async")
    return get_asgi_application()


MAKERS: dict[str, Callable[[], Any]] = {
    "asgi": make_asgi,
    "starlette": make_starlette,
    "fastapi": make_fastapi,
    "django-asgi": make_async_django,
    "wsgi": make_wsgi,
    "flask": make_flask,
    "django-wsgi": make_django,
}


def log_to(path: str) -> None:
    """Write what is logged to the file `path`, the servers' own loggers included."""
    handler = logging.FileHandler(path)
    handler.addFilter(FlowFilter())
    handler.setFormatter(LineFormatter())
    logging.root.setLevel(logging.INFO)
    known = logging.root.manager.loggerDict.values()
    silent = [one for one in known if isinstance(one, logging.Logger) and not one.propagate]
    for logger in (logging.root, *silent):
        logger.addHandler(handler)


app = MAKERS[os.environ["HEADRACE_SITE"]]()
log_to(os.environ["HEADRACE_SITE_LOG"])

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    # `runserver` imports this module by its name, where the application is.
    sys.modules["tests.serving.apps"] = sys.modules["__main__"]
    execute_from_command_line(sys.argv)
