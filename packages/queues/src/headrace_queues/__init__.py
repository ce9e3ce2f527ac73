"""headrace for RQ, Dramatiq and taskiq: the correlation ID survives publishing and retries.

Each queue has a module of its own, which imports its library: `headrace_queues.rq`,
`headrace_queues.dramatiq`, `headrace_queues.taskiq`.
"""

from __future__ import annotations

__all__: list[str] = []
