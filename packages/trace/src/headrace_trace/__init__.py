"""headrace trace: stories of operations, from logs."""

from __future__ import annotations

from ._model import Line, Operation, Place, Publish, Unit
from ._store import Logs, Reject, Wanted, load

__all__ = ["Line", "Logs", "Operation", "Place", "Publish", "Reject", "Unit", "Wanted", "load"]
