"""What a request costs more under each web integration, beside the peers; see `benchmarks.web`."""

from __future__ import annotations

from benchmarks.harness import Group
from benchmarks.web import asgi, django_project, fastapi_chains, flask_apps

ROUNDS = 4
"""How many short rounds stand for one: what is compared lies close together in time."""


def groups() -> list[Group]:
    """Return what is compared."""
    parts = (asgi, django_project, flask_apps, fastapi_chains)
    return [group for part in parts for group in part.groups()]
