"""Responses that the server sends outside the unit they belong to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

    from .model import FlowContext


senders: set[CodeType] = set()
"""Code objects of functions that pass a message to the server outside the unit in `context`."""


def sent_unit() -> FlowContext | None:
    """Return the unit of the response that the server is sending further up the stack, or None.

    No unit is current during the send, so that callbacks which the server registers capture none.
    Lines that the server logs there, such as its access line, still belong to the unit, which the
    stack shows. Walking the stack costs only those lines; a variable would cost every request.
    """
    frame = sys._getframe(1) if senders else None  # noqa: SLF001 - CPython's and PyPy's
    while frame is not None:
        if frame.f_code in senders:
            found: FlowContext = frame.f_locals["context"]
            return found
        frame = frame.f_back
    return None
