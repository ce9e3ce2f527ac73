"""headrace for Celery: the correlation ID survives publishing, retries and canvas."""

from __future__ import annotations

from celery.exceptions import Ignore, Reject, Retry

from headrace.integration import register_control_flow

from ._app import init_app
from ._contexts import context_of
from ._tasks import FlowTask, flow_task

__all__ = ["FlowTask", "context_of", "flow_task", "init_app"]

register_control_flow(Retry, outcome="retry")
register_control_flow(Ignore, outcome="ignored")
register_control_flow(Reject, outcome="rejected")
