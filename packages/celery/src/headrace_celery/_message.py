"""The publisher's side: the header of each message that leaves a unit of work."""

from __future__ import annotations

from typing import Any

from headrace import get_flow_context
from headrace.integration import inject_trace, is_detached, remove_trace

from ._envelope import HEADER, MAX_NESTING, find, write


def on_before_task_publish(headers: Any = None, **_: Any) -> None:
    """Receive `before_task_publish`: put the current unit into the message's `headers`.

    A retry or a replacement carries the header of the previous message, and so does a call that
    forwards the headers of its request; it is overwritten, or removed inside `detached`.
    Celery made `headers` for this message, so that changing it changes no dict of the caller's;
    what is nested in it may be the caller's, and is copied.
    """
    if not isinstance(headers, dict):
        return
    context = get_flow_context()
    if context is None:
        if not is_detached():
            return
        headers.pop(HEADER, None)
        remove_trace(headers)
    else:
        headers[HEADER] = header = write(context)
        if inject_trace(headers, context):
            header["link"] = 1
    nested = headers.get("headers")
    if isinstance(nested, dict) and find(nested)[0]:
        headers["headers"] = _without_ours(nested, MAX_NESTING)


def _without_ours(headers: dict[str, Any], depth: int) -> dict[str, Any]:
    kept = {key: value for key, value in headers.items() if key != HEADER}
    nested = kept.get("headers")
    if depth and isinstance(nested, dict):
        kept["headers"] = _without_ours(nested, depth - 1)
    return kept
