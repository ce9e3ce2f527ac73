"""SQLite for tests, without waiting for the disk, which would take most of their time."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any


@cache
def never_sync() -> None:
    """Make databases of this process survive a crash of the process, but not of the machine."""
    from sqlalchemy import Engine, event

    event.listen(Engine, "connect", _set_pragma)


def _set_pragma(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
