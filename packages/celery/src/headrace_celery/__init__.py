"""headrace for Celery: the correlation ID survives publishing, retries and canvas.

Layers, from the top; a module imports only from the layers below its own:

1. ``_app`` (`init_app`), ``_tasks`` (`flow_task`)
2. ``_signals``: the table of Celery's signals and our receivers
3. ``_run``: receivers around each run of a task
4. other receivers and hooks: ``_beat``, ``_discovery``, ``_handlers``, ``_message``,
   ``_redelivery``, ``_request``, ``_startup``, ``_transactions``
5. ``_contexts``: the context of a run
6. ``_deadlines``: deadlines of messages
7. ``_envelope``: the message header
8. ``_log``, ``_order``
"""

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
