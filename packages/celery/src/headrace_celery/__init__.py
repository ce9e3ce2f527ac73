"""headrace for Celery: the correlation ID survives publishing, retries and canvas."""

from __future__ import annotations

from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded

from headrace.integration import register_control_flow, register_interrupt

from ._app import init_app
from ._chain_task import chain_task
from ._contexts import context_of
from ._progress import Progress, watch
from ._tasks import FlowTask, flow_task

__all__ = [
    "FlowTask",
    "Progress",
    "chain_task",
    "context_of",
    "flow_task",
    "init_app",
    "watch",
]

register_control_flow(Retry, outcome="retry")
register_control_flow(Ignore, outcome="ignored")
register_control_flow(Reject, outcome="rejected")
# By its path, since only a chain that runs in a task loads the module.
register_control_flow("headrace_celery._chain_driver.AbortedError", outcome="cancelled")
register_interrupt(SoftTimeLimitExceeded)
