"""The progress of a chain in a task, followed from another process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery.exceptions import TimeoutError as CeleryTimeoutError

from headrace.integration import clock

if TYPE_CHECKING:
    from celery.result import AsyncResult


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a chain is.

    Attributes:
        step: the name of the step that began last.
        number: its number in the chain, from 1.
        total: the number of steps in the chain.
        seconds: the time between the beginning of the run and of the step.
    """

    step: str
    number: int
    total: int
    seconds: float


def watch(
    async_result: AsyncResult[Any], *, timeout: float | None = None, interval: float = 0.5
) -> Iterator[Progress]:
    """Iterate over the progress of a task that `chain_task` declared with ``progress=True``.

    It polls the result backend, so it may miss short steps, and ends when the task has ended.

    Args:
        async_result: what ``delay`` or ``apply_async`` returned.
        timeout: how long to wait for the end of the task, in seconds; None for no limit.
        interval: the time between two requests to the result backend, in seconds.

    Raises:
        celery.exceptions.TimeoutError: the task has not ended within `timeout`.
    """
    began, last = clock.monotonic(), None
    while not async_result.ready():
        found = async_result.info
        if found != last and isinstance(found, dict) and found.keys() == {*Progress.__slots__}:
            yield Progress(**found)
            last = found
        if timeout is not None and clock.monotonic() - began >= timeout:
            raise CeleryTimeoutError(f"the task has not ended within {timeout:g} s")
        clock.sleep(interval)
