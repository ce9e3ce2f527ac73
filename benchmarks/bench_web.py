"""What a request costs more under each web integration, beside the peers; see `benchmarks.web`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.harness import Group

ROUNDS = 4
"""How many short rounds stand for one: what is compared lies close together in time."""

APART = ("asgi", "django_project", "flask_apps", "fastapi_chains")
"""The modules that are measured in processes of their own, as a service has one framework."""


def groups(module: str) -> list[Group]:
    """Return what is compared in one of the modules."""
    made: list[Group] = import_module(f"benchmarks.web.{module}").groups()
    return made
