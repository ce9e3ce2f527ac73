"""Runs as an operator sees them: unfinished, parked, finished."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.integration import clock
from headrace.integration.recording import DurableError

from ._driver import ACCEPTED, PARKED
from ._handles import Handle
from ._state import PREFIX, aside, chains, dbos, engine


def unfinished() -> Iterator[Handle]:
    """Yield a handle of each run that is running, queued, cancelled or parked, oldest first.

    The handle of a parked run has the status ``parked``, and its `result` raises
    `ChangedChainError`.
    """
    offset, states = 0, ["PENDING", "ENQUEUED", "DELAYED", "CANCELLED"]
    while page := _page(status=states, offset=offset):
        for status in page:
            yield Handle(status.workflow_id, chains[status.name.removeprefix(PREFIX)])
        offset += len(page)


def resume(run_id: str) -> Handle:
    """Continue a run that is parked or cancelled.

    A parked run continues if its chain is again what it was when the run began, and is parked once
    more if it is not.

    Args:
        run_id: the ID of the run.

    Raises:
        DurableError: there is no such run.
    """
    durable = _durable_of(run_id)
    aside(_resume, run_id)
    return Handle(run_id, durable)


def fork(run_id: str, from_step: str, *, accept_change: bool = False) -> Handle:
    """Start a new run that begins with the records of another, up to a step.

    Args:
        run_id: the ID of the other run.
        from_step: the first step to run again, by its recorded name: ``charge``, ``charge#2``.
        accept_change: whether the new run may follow the chain as it is now, although the other one
            began with another definition. The steps before `from_step` must be the same.

    Returns:
        The handle of the new run, which has an ID of its own.

    Raises:
        DurableError: there is no such run or step.
    """
    durable = _durable_of(run_id)
    steps = aside(dbos().list_workflow_steps, run_id, load_output=False)
    places = [step["function_id"] for step in steps if step["function_name"] == from_step]
    if not places:
        raise DurableError(f"run {run_id!r} has recorded no step {from_step!r}")
    # The new run takes the attributes of the other one when it is created, and may begin at once.
    accepted = durable.definition if accept_change else None
    aside(dbos().update_workflow_attributes, run_id, {ACCEPTED: accepted}, merge=True)
    forked = aside(dbos().fork_workflow, run_id, places[0], application_version=None)
    return Handle(forked.workflow_id, durable)


def delete_finished(*, older_than: timedelta | float) -> int:
    """Delete the records of runs that have ended, well or not, and of their branches.

    Args:
        older_than: how long ago they ended, as a `timedelta` or in seconds.

    Returns:
        The number of runs.
    """
    age = older_than if isinstance(older_than, timedelta) else timedelta(seconds=older_than)
    before = (datetime.fromtimestamp(clock.wall(), UTC) - age).isoformat()
    count = 0
    while page := _page(status=["SUCCESS", "ERROR"], completed_before=before):
        ids = [each.workflow_id for each in page]
        aside(dbos().delete_workflows, ids, delete_children=True)
        count += len(ids)
    return count


def _durable_of(run_id: str) -> Any:
    engine()
    status = aside(dbos().get_workflow_status, run_id)
    if status is None or status.name.removeprefix(PREFIX) not in chains:
        raise DurableError(f"there is no run {run_id!r} of a durable chain of this process")
    return chains[status.name.removeprefix(PREFIX)]


def _resume(run_id: str) -> None:
    for child in dbos().list_workflows(parent_workflow_id=run_id, load_input=False):
        if child.status == "CANCELLED":
            _resume(child.workflow_id)
    dbos().update_workflow_attributes(run_id, {PARKED: None}, merge=True)
    dbos().resume_workflow(run_id)


def _page(**query: Any) -> list[Any]:
    engine()
    query |= {"name": [PREFIX + name for name in chains], "limit": 500}
    return aside(dbos().list_workflows, load_input=False, load_output=False, **query)
