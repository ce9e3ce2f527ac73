"""Locks on executor IDs, which end with their process."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ._errors import ExecutorBusyError


def take_lock(url: str, executor_id: str) -> Callable[[], None]:
    """Lock an executor ID for as long as this process lives, and return a function to unlock it.

    Args:
        url: the database that the executors share.
        executor_id: the ID.

    Raises:
        ExecutorBusyError: a living process has locked it.
    """
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        release = _lock_file(f"{os.path.abspath(parsed.database or 'memory')}.{executor_id}.lock")
    else:
        release = _lock_in_database(parsed, f"headrace:{executor_id}")
    if release is None:
        raise ExecutorBusyError(
            f"a living process has the executor ID {executor_id!r}: give each process its own, "
            f"the same after a restart"
        )
    return release


def _lock_file(path: str) -> Callable[[], None] | None:
    file = open(path, "a+b")  # noqa: SIM115 - open for as long as the lock is held
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            # lockf rather than flock: a forked child does not hold the lock of its parent.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file.close


def _lock_in_database(url: Any, name: str) -> Callable[[], None] | None:
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    taken = connection.execute(
        text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), {"name": name}
    )
    if taken.scalar():
        return connection.close
    connection.close()
    return None
