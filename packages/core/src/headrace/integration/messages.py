"""The context in messages of queues: IDs, traces and metadata.

For headrace's own packages: names may change in a minor version.
"""

from __future__ import annotations

from headrace._context.detached import is_detached
from headrace._context.opening import make_id
from headrace._context.spans import await_span
from headrace._ids import is_valid_id, valid_id
from headrace._propagation.carriers import inject_trace, remove_trace
from headrace._propagation.metadata import accepted_metadata, propagated_metadata

__all__ = [
    "accepted_metadata",
    "await_span",
    "inject_trace",
    "is_detached",
    "is_valid_id",
    "make_id",
    "propagated_metadata",
    "remove_trace",
    "valid_id",
]
