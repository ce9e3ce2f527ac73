"""Building blocks for engines that run chains: in a queue's worker, durably, or step by step.

A run goes through its `Driver` for everything that determines its path: attempts, decisions, waits,
undos and branches. An engine subclasses `SyncDriver` or `AsyncDriver`, overrides what it does
differently, and runs `complete` with it. See "Other engines" in the docs.
"""

from __future__ import annotations

from headrace._chains.async_driver import AsyncDriver
from headrace._chains.engine import (
    Part,
    active_dispatcher,
    add_undo,
    definition_of,
    fields_of,
    flow_of,
    join_branch,
    leave_branch,
    new_run,
    parts_of,
    plan_of,
    result_of,
    run_async_with,
    run_with,
    seconds_left,
)
from headrace._chains.plan import Parallel, Plan
from headrace._chains.retries import next_delay
from headrace._chains.run import Driver, Run
from headrace._chains.step import Step
from headrace._chains.sync_driver import SyncDriver, drive
from headrace._chains.walk import complete, walk
from headrace._context.dispatcher import Dispatcher
from headrace._context.step_keys import step_key

__all__ = [
    "AsyncDriver",
    "Dispatcher",
    "Driver",
    "Parallel",
    "Part",
    "Plan",
    "Run",
    "Step",
    "SyncDriver",
    "active_dispatcher",
    "add_undo",
    "complete",
    "definition_of",
    "drive",
    "fields_of",
    "flow_of",
    "join_branch",
    "leave_branch",
    "new_run",
    "next_delay",
    "parts_of",
    "plan_of",
    "result_of",
    "run_async_with",
    "run_with",
    "seconds_left",
    "step_key",
    "walk",
]
