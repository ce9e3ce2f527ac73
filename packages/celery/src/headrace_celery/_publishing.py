"""The publisher's side: the header of each message that leaves a unit of work."""

from __future__ import annotations

from typing import Any

from headrace import get_flow_context

from ._envelope import HEADER, write


def stamp(headers: Any = None, **_: Any) -> None:
    """Receive `before_task_publish`: put the current unit into the message's `headers`.

    A retry or a replacement brings the header of the message before along; it is overwritten.
    Celery made `headers` for this message, so that changing it changes no dict of the caller's;
    what is nested in it may be the caller's, and is copied.
    """
    context = get_flow_context()
    if context is None or not isinstance(headers, dict):
        return
    headers[HEADER] = write(context)
    nested = headers.get("headers")
    if isinstance(nested, dict) and HEADER in nested:
        headers["headers"] = {key: value for key, value in nested.items() if key != HEADER}
