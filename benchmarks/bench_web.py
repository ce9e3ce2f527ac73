"""What a request costs more under each web integration, beside the peers; see `benchmarks.web`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.harness import Group

ROUNDS = 4
"""How many short rounds stand for one: what is compared lies close together in time."""

APART = ("asgi", "django_project:sync", "django_project:async", "flask_apps", "fastapi_chains")
"""What is measured in processes of its own, as a service has one framework and one protocol."""


def groups(name: str) -> list[Group]:
    """Return what one of `APART` compares."""
    module, _, kind = name.partition(":")
    made: list[Group] = import_module(f"benchmarks.web.{module}").groups(*filter(None, [kind]))
    return made
