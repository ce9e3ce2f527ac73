"""A program whose runs are interrupted: `python -m tests.dbos.program URL EXECUTOR ACTION ...`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from typing import Any

import headrace
import headrace_dbos
from headrace import Chain
from headrace.logging import FlowFilter

handler = logging.StreamHandler(sys.stdout)
handler.addFilter(FlowFilter(fields=("resumed", "tenant")))
handler.setFormatter(
    logging.Formatter("%(name)s|%(levelname)s|%(flow_id)s|%(resumed)s|%(tenant)s|%(message)s")
)
logging.basicConfig(level=logging.INFO, handlers=[handler])
headrace.configure(propagate_metadata=["tenant"])


def say(*words: Any) -> None:
    """Print a line at once, and in one piece."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def charge() -> str:
    """Be the first step."""
    say("effect charge", headrace.current_step_key())
    return "paid"


def ship() -> str:
    """Be a step in which the process may be killed."""
    say("effect ship", headrace.current_step_key(), headrace.current_flow_id())
    if os.environ.get("DIES"):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("HANGS"):
        time.sleep(60)
    return "shipped"


def chain() -> Chain:
    """Return the chain, which CHANGED changes."""
    built = Chain(
        "orders",
        before_step=lambda step, **_: say("before", step),
        after_step=lambda step, **_: say("after", step),
    )
    built.next(charge, out="paid", undo=print, log_fmt="{result}")
    if os.environ.get("CHANGED"):
        built.next(print, name="check")
    return built.next(ship, out="parcel")


def main(url: str, executor: str, action: str, *words: str) -> None:
    """Do what the test asks for."""
    orders = headrace_dbos.durable(chain())
    headrace_dbos.launch(url, executor_id=executor)
    if action == "recover":
        say("recovered", headrace_dbos.recover(words[1]))
    if action == "resume":
        handle = headrace_dbos.resume(words[0])
    elif action == "fork":
        handle = headrace_dbos.fork(words[0], words[1], accept_change=True)
    else:
        with headrace.open_context("order-7", metadata={"tenant": "acme"}):
            handle = orders.start(words[0])
    try:
        say("result", dict(handle.result()))
    except headrace_dbos.DurableError as error:
        say(type(error).__name__, str(error))
        say("status", handle.status())
        say("unfinished", [(each.run_id, each.status()) for each in headrace_dbos.unfinished()])


if __name__ == "__main__":
    main(*sys.argv[1:])
