"""Locks on executor IDs, which end with their process."""

from __future__ import annotations

import os
from collections.abc import Callable

from headrace.integration.recording import ExecutorBusyError


def take_lock(url: str, executor_id: str) -> Callable[[], None]:
    """Lock an executor ID for as long as this process lives, and return a function to unlock it.

    On SQLite it locks a file beside the database; on PostgreSQL, a session holds the lock. Raises
    `ExecutorBusyError` if a living process has the lock.
    """
    import sqlite3

    import psycopg
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = f"{os.path.abspath(parsed.database or 'memory')}.{executor_id}.lock"
        file = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            file.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            file.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        else:
            return file.close
    else:
        address = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        session = psycopg.connect(address, autocommit=True)
        query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        if session.execute(query, [f"headrace:{executor_id}"]).fetchone() == (True,):
            return session.close
        session.close()
    raise ExecutorBusyError(
        f"a living process has the executor ID {executor_id!r}: give each process its own, "
        f"the same after a restart"
    )
