"""The app whose chains the tests of real workers run: the test and each worker build it from here.

Each function notes what it does as a line of a common file.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from celery import Celery
from celery.contrib.abortable import AbortableTask

import headrace
import headrace_celery
from headrace import AsyncChain, Chain
from headrace_celery import chain_task
from tests.lines import whole_lines

BROKER = os.environ["CHAINS_BROKER"]
RESULTS = os.environ["CHAINS_RESULTS"]
PREFIX = os.environ["CHAINS_PREFIX"]
NOTES = Path(os.environ["CHAINS_NOTES"])

headrace.configure(backend="none")
app = Celery("chains", broker=BROKER, backend=RESULTS)
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": f"{PREFIX}."}
    if BROKER.startswith("redis")
    else {},
    result_backend_transport_options={"global_keyprefix": f"{PREFIX}."},
    result_expires=600,
    task_create_missing_queue_type="classic",
    task_default_exchange=PREFIX,
    task_default_queue=PREFIX,
    task_default_routing_key=PREFIX,
    worker_log_format="[%(flow_id)s] %(name)s: %(message)s",
    worker_prefetch_multiplier=1,
)
headrace_celery.init_app(app, accept_deadline=True)


def note(order: str, what: str) -> None:
    """Write down what happens, as one line of the common file."""
    left = headrace.remaining()
    line = {"order": order, "what": what, "id": headrace.current_flow_id(), "left": left}
    with NOTES.open("ab", buffering=0) as file:  # one write, appended
        file.write(json.dumps(line).encode() + b"\n")


def events(order: str) -> list[dict[str, Any]]:
    """Return the notes about `order`."""
    lines = [json.loads(line) for line in whole_lines(NOTES)]
    return [line for line in lines if line["order"] == order]


def once(order: str) -> bool:
    """Return whether this is the first call for `order`, in any process."""
    try:
        (NOTES.parent / f"once-{order}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


# --- steps ----------------------------------------------------------------------------------------


def reserve(order: str) -> str:
    """Do the first step."""
    note(order, "reserve")
    return order


def release(order: str) -> None:
    """Undo the first step."""
    note(order, "release")


def is_released(order: str) -> bool:
    """Return whether the slow second step of `order` may end."""
    return (NOTES.parent / f"released-{order}").exists()


def charge(order: str, how: str) -> str:
    """Do the second step: at once, when released, for ever, or by killing the process once."""
    note(order, f"charge {how}")
    if how == "slow":
        while not is_released(order):
            time.sleep(0.02)
    elif how == "stuck" or (how == "stuck once" and once(order)):
        time.sleep(30)
    elif how == "kill once" and once(order):
        os.kill(os.getpid(), signal.SIGKILL)
    note(order, "charged")
    return order


def refund(order: str) -> None:
    """Undo the second step."""
    note(order, "refund")


def slow_refund(order: str) -> None:
    """Undo the second step, which takes longer than any time limit."""
    note(order, "refund")
    time.sleep(30)


def ship(order: str) -> dict[str, Any]:
    """Do the last step."""
    note(order, "ship")
    return {"order": order, "parcels": 2}


async def charge_async(order: str, how: str) -> str:
    """Do the second step, awaited."""
    note(order, f"charge {how}")
    while how == "slow" and not is_released(order):  # noqa: ASYNC110 - released by another process
        await asyncio.sleep(0.02)
    await asyncio.sleep(30 if how == "stuck" else 0)
    return order


def fulfilment(kind: type[Any], name: str, middle: Any, **options: Any) -> Any:
    """Return a chain of three steps."""
    chain = kind(name).next(reserve, args=["order"], name="reserve", undo=release)
    chain.next(middle, args=["order", "how"], name="charge", retries=3, **options)
    return chain.next(ship, args=["order"], out="parcel")


# --- tasks ----------------------------------------------------------------------------------------

LIMITS = {"soft_time_limit": 1, "time_limit": 8}

fulfil = chain_task(
    app,
    fulfilment(Chain, "fulfil", charge, undo=refund),
    returns=["parcel"],
    progress=True,
    base=AbortableTask,
)
awaited = chain_task(
    app,
    fulfilment(AsyncChain, "awaited", charge_async, undo=refund),
    returns=["parcel"],
    progress=True,
    base=AbortableTask,
)
limited = chain_task(app, fulfilment(Chain, "limited", charge, undo=refund), **LIMITS)
limited_async = chain_task(
    app, fulfilment(AsyncChain, "limited_async", charge_async, undo=refund), **LIMITS
)
limited_thread = chain_task(
    app, fulfilment(AsyncChain, "limited_thread", charge, undo=refund), **LIMITS
)
killed = chain_task(
    app,
    Chain("killed")
    .next(reserve, args=["order"], undo=release)
    .next(lambda order: order, args=["order"], name="pay", undo=slow_refund)
    .next(charge, args=["order", "how"]),
    soft_time_limit=1,
    time_limit=3,
)
late = chain_task(
    app, fulfilment(Chain, "late", charge), acks_late=True, reject_on_worker_lost=True
)
plain = chain_task(app, fulfilment(Chain, "plain", charge, undo=refund))
branches = chain_task(
    app,
    Chain("branches")
    .parallel(
        Chain().next(reserve, args=["order"], name="left", undo=release),
        Chain().next(charge, args=["order", "how"], name="right", undo=refund),
    )
    .next(ship, args=["order"], out="parcel"),
    progress=True,
    base=AbortableTask,
)
