"""What is known of libraries as a whole: which decorators keep a function what it is."""

from __future__ import annotations

import sys

STANDARD = sys.stdlib_module_names | {"builtins"}
# Libraries that call nothing that they were not given in the same call, but for what is modelled.
INERT = STANDARD | {
    "aiohttp",
    "asgiref",
    "celery",
    "django",
    "fastapi",
    "flask",
    "headrace",
    "headrace_celery",
    "headrace_django",
    "headrace_fastapi",
    "headrace_flask",
    "headrace_inspect",
    "httpx",
    "httpx2",
    "loguru",
    "pydantic",
    "requests",
    "starlette",
    "stamina",
    "structlog",
    "tenacity",
    "werkzeug",
}
_DESCRIBING = frozenset(["attr", "attrs", "cattrs", "marshmallow", "pydantic", "wtforms"])
_TRANSPARENT = (
    "asgiref.sync.",
    "attr.",
    "attrs.",
    "backoff.",
    "beartype.",
    "django.contrib.auth.decorators.",
    "django.db.transaction.atomic",
    "django.utils.decorators.",
    "django.views.decorators.",
    "headrace.",
    "pydantic.",
    "stamina.",
    "tenacity.",
    "typeguard.",
    "typing_extensions.",
)


def is_inert(name: str) -> bool:
    """Tell whether a call of the library's function `name` runs nothing it was not given."""
    return name.partition(".")[0].removesuffix("()") in INERT


def is_describing(name: str) -> bool:
    """Tell whether `name` is of a library that classes are described with, which it then checks.

    What it is given for that it calls whenever an instance is made, shown or changed.
    """
    return name.partition(".")[0].removesuffix("()") in _DESCRIBING


def is_standard(name: str) -> bool:
    """Tell whether `name` is of the standard library."""
    return name.partition(".")[0].removesuffix("()") in STANDARD


def is_transparent(name: str) -> bool:
    """Tell whether the decorator `name` makes of a function one that does the same."""
    return is_standard(name) or name.startswith(_TRANSPARENT)
