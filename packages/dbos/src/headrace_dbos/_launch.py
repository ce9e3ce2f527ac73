"""The DBOS of the process: launched here, or by the application."""

from __future__ import annotations

import logging
import sys
from typing import Any

from headrace import ChainError
from headrace.integration.recording import JsonSerializer, PickleSerializer

from ._locks import take_lock
from ._state import SLOTS, Engine, aside, chains, current, dbos, engine

NAME = "headrace"
"""The name and the version of the application in DBOS. The version never changes, so that DBOS
hands old runs to new code; each run is compared with its chain instead."""


def launch(url: str | None = None, *, executor_id: str, serializer: Any = "json") -> None:
    """Launch DBOS in this process, and resume the unfinished runs of this executor.

    Call it once, after every `durable`; in a prefork server, in each child. A process needs no
    shutdown call. If the application has launched DBOS itself, this joins it: its executor ID must
    be `executor_id`, its version ``headrace``, and its serializer `serializer`.

    Args:
        url: the database, as in ``sqlite:///runs.sqlite`` (one host, on a local disk) or
            ``postgresql://user:password@host/runs``; by default ``sqlite:///headrace.sqlite``.
        executor_id: the name of this process among those that share the database; the same after
            a restart.
        serializer: ``json``, ``pickle``, or a `dbos.Serializer`. Whoever can write to a database of
            pickles can run code in this process.

    Raises:
        ExecutorBusyError: a living process has this executor ID.
        RuntimeError: this process has launched already, or cannot join the DBOS that it has.
        ValueError: a chain redacts one of its outputs, and the serializer does not encrypt.
    """
    if current:
        raise RuntimeError("headrace_dbos is already launched in this process or its parent")
    if isinstance(serializer, str):
        serializer = {"json": JsonSerializer, "pickle": PickleSerializer}[serializer]()
    for durable in chains.values():
        durable.check_secrets(serializer)
    joined = _launched_by_application(executor_id, serializer)
    if joined is not None:
        url = joined._config["system_database_url"]  # noqa: SLF001 - no public name
    url = url or "sqlite:///headrace.sqlite"
    release = take_lock(url, executor_id)
    current.append(Engine(url, serializer, release, joined is not None))
    try:
        instance = joined or _new(url, executor_id, serializer)
        current[0].queue = instance._registry.get_internal_queue()  # noqa: SLF001 - as above
        current[0].add_slots(SLOTS)
        for durable in chains.values():
            durable.register()
        if joined is None:
            dbos().launch()
        else:
            aside(dbos()._recover_pending_workflows, [executor_id])  # noqa: SLF001 - as above
        for name in {each.queue for each in chains.values() if each.queue}:
            aside(dbos().register_queue, name, on_conflict="never_update")
    except BaseException:
        shutdown()
        raise


def shutdown() -> None:
    """Stop the DBOS of this process; its unfinished runs are resumed by the next `launch`.

    A DBOS that the application launched is left to it.
    """
    if not (current and current[0].is_joined):
        dbos().destroy()
    if current:
        current.pop().release()


def recover(executor_id: str) -> int:
    """Take over the unfinished runs of an executor that is dead and will not start again.

    Args:
        executor_id: its ID.

    Returns:
        The number of runs, their branches included.

    Raises:
        ExecutorBusyError: it is alive.
        ValueError: it is this executor.
    """
    if executor_id == dbos().executor_id:
        raise ValueError(f"{executor_id!r} is this executor, which resumed its runs at launch")
    release = take_lock(engine().url, executor_id)
    try:
        return len(aside(dbos()._recover_pending_workflows, [executor_id]))  # noqa: SLF001
    finally:
        release()


def _new(url: str, executor_id: str, serializer: Any) -> Any:
    """Create the DBOS of this process, whose lines go through the application's logging."""
    logger = logging.getLogger("dbos")
    level, nothing = logger.level, logging.NullHandler()
    logger.addHandler(nothing)  # or DBOS adds one that writes to the console
    try:
        config: Any = {"name": NAME, "application_version": NAME, "executor_id": executor_id}
        made = dbos()(config=config | {"system_database_url": url, "serializer": serializer})
    finally:
        logger.removeHandler(nothing)
        logger.setLevel(level)
    logger.addFilter(_is_wanted)
    return made


def _is_wanted(record: logging.LogRecord) -> bool:
    """Drop advertisements, and lines on ends of runs for which there is a line of ours."""
    from dbos import error as dbos_error

    raised = record.exc_info[1] if record.exc_info else None
    is_ours = isinstance(raised, ChainError | dbos_error.DBOSAwaitedWorkflowCancelledError)
    unwanted = "console.dbos.dev", "was cancelled during execution"
    return not is_ours and not any(part in record.getMessage() for part in unwanted)


def _launched_by_application(executor_id: str, serializer: Any) -> Any:
    """Return the DBOS that the application launched, or None; raise if `launch` cannot use it."""
    joined = getattr(sys.modules.get("dbos._dbos"), "_dbos_global_instance", None)
    if joined is None or not joined._launched:  # noqa: SLF001 - no public name
        return None
    kinds = [type(each).__name__ for each in (joined._serializer, serializer)]  # noqa: SLF001
    if kinds == ["DefaultSerializer", "PickleSerializer"]:
        kinds[1] = kinds[0]  # DBOS's own serializer pickles too
    found = dbos().executor_id, dbos().application_version, kinds[0]
    wanted = executor_id, NAME, kinds[1]
    if found != wanted:
        raise RuntimeError(
            f"the application's DBOS has executor ID, application version and serializer {found}, "
            f"not {wanted}"
        )
    return joined
