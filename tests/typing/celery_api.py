"""Uses headrace_celery the way a typed program does: type-checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from celery import Celery, Task

import headrace
import headrace_celery
from headrace import AsyncChain, Chain
from headrace_celery import Progress, chain_task, flow_task, watch

if TYPE_CHECKING:
    from headrace_celery import FlowTask

app = Celery("typed")
headrace_celery.init_app(app, accept_deadline=True)


@flow_task
def bare(order_id: int, *, fast: bool = False) -> str:
    """Keep the types of a task that is declared bare."""
    return str(order_id + fast)


@flow_task("orders", app=app, entrypoint=True, max_retries=3)
def reserve(order_id: int) -> str:
    """Keep the types of a task that is a step."""
    return str(order_id)


@flow_task("orders", after=[reserve, "receive"], bind=True, step_name="charge")
def charge_card(self: Task[Any, Any], cents: int) -> bool:
    """Leave out of the parameters what Celery gives."""
    return bool(self.request.retries) or cents > 0


def calls() -> None:
    """Calls, publishing and signatures have the function's own parameters."""
    assert_type(bare(1, fast=True), str)
    assert_type(reserve(1), str)
    assert_type(charge_card(100), bool)
    task: FlowTask[[int], str] = reserve
    task.delay(1)
    task.apply_async((1,), countdown=3)
    task.s().apply_async()
    task.delay_on_commit(1)
    task.apply_async_on_commit((1,), countdown=3)
    task.si(1)
    remote = headrace_celery.context_of(app.current_worker_task)
    assert_type(remote, headrace.RemoteContext)
    reserve.delay_on_commit("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    reserve.delay("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    charge_card.delay()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def chains() -> None:
    """A chain's task is called, published and watched like any other."""
    fulfil = chain_task(app, Chain("fulfil"), returns=["parcel"], progress=True, acks_late=True)
    assert_type(fulfil, FlowTask[..., dict[str, Any]])
    assert_type(fulfil(order=7), dict[str, Any])
    result = fulfil.delay(order=7)
    for progress in watch(result, timeout=5, interval=0.1):
        assert_type(progress, Progress)
        assert_type((progress.step, progress.number, progress.total), tuple[str, int, int])
        assert_type(progress.seconds, float)
    chain_task(None, AsyncChain("shared"), name="orders.shared")
    chain_task(app, 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
