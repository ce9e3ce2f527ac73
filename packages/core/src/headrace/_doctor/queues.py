"""RQ, Dramatiq and taskiq: queues and brokers without headrace."""

from __future__ import annotations

from collections.abc import Iterator

from .findings import Finding
from .project import Project

_RQ = "headrace_queues.rq.FlowQueue"
_BROKERS = {"dramatiq": "dramatiq.brokers.", "taskiq": "taskiq"}


def examine_queues(project: Project) -> Iterator[Finding]:
    """Yield queues of RQ and brokers of Dramatiq and taskiq whose messages carry no ID."""
    for source in project.sources:
        for call in source.calls("rq.Queue", "rq.queue.Queue"):
            message = "jobs of rq.Queue carry no ID"
            add = ("from headrace_queues.rq import FlowQueue", "FlowQueue(...)")
            to = 'instead, with pip install "headrace-queues[rq]"'
            yield Finding(source.shown, call.lineno, "queue-set-up", message, add, to)
        for library, prefix in _BROKERS.items():
            if project.mentions(f"headrace_queues.{library}.init_app"):
                continue
            for call in source.calls():
                name = source.name(call.func)
                if name.startswith(prefix) and name.endswith("Broker") and "." in name:
                    message = f"messages of the {library} broker carry no ID"
                    add = (f"from headrace_queues.{library} import init_app", "init_app(broker)")
                    to = f'after the broker, with pip install "headrace-queues[{library}]"'
                    yield Finding(source.shown, call.lineno, "queue-set-up", message, add, to)
