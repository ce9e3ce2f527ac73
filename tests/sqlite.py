"""SQLite for tests, which need not wait for the disk: it would take most of their time."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any


@cache
def never_sync() -> None:
    """Have databases that this process opens survive its crash, but not one of the machine."""
    from sqlalchemy import Engine, event

    event.listen(Engine, "connect", _set_pragma)


def _set_pragma(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
