"""Responses that the server sends outside the unit they belong to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

    from .model import FlowContext


senders: set[CodeType] = set()
"""Code of functions that pass a message to the server outside the unit in their `context`."""


def sent_unit() -> FlowContext | None:
    """Return the unit of the response that the server is sending further up the stack, or None.

    No unit is current during the send, so the callbacks that the server registers capture none.
    Lines that the server logs there, such as its access line, still belong to the unit, which is
    found on the stack. Only those lines pay for the walk; a variable would slow down every request.
    """
    frame = sys._getframe(1) if senders else None  # noqa: SLF001 - CPython's and PyPy's
    while frame is not None:
        if frame.f_code in senders:
            found: FlowContext = frame.f_locals["context"]
            return found
        frame = frame.f_back
    return None
