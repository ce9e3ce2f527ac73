"""The headers of a message that a unit of work publishes."""

from __future__ import annotations

from typing import Any

from headrace import get_flow_context
from headrace.integration import write_headers
from headrace.integration.messages import HEADER, is_detached

from ._envelope import MAX_NESTING, is_in
from ._publishing import log_published


def on_before_task_publish(
    sender: Any = None, headers: Any = None, routing_key: Any = None, **_: Any
) -> None:
    """Write the envelope of the current unit into the message's `headers`, and log the message.

    The headers of a retry, of a replacement, and of a call that passes on its request's headers
    already contain an envelope. It is overwritten, or removed inside `detached`.
    """
    if not isinstance(headers, dict):
        return
    _write_envelope(headers)
    log_published(sender, headers, routing_key)


def _write_envelope(headers: dict[str, Any]) -> None:
    if get_flow_context() is None and not is_detached():
        return
    write_headers(headers)
    # Celery created `headers` for this message, but a nested dict may belong to the caller.
    nested = headers.get("headers")
    if isinstance(nested, dict) and is_in(nested):
        headers["headers"] = _without_envelope(nested, MAX_NESTING)


def _without_envelope(headers: dict[str, Any], depth: int) -> dict[str, Any]:
    kept = {key: value for key, value in headers.items() if key != HEADER}
    nested = kept.get("headers")
    if depth and isinstance(nested, dict):
        kept["headers"] = _without_envelope(nested, depth - 1)
    return kept
