"""The context in messages of queues: envelopes, IDs, traces and metadata.

For headrace's own packages: names may change in a minor version. Other packages for queues use
`headrace.integration`.
"""

from __future__ import annotations

from headrace._context.detached import is_detached
from headrace._context.opening import make_id
from headrace._context.spans import await_span
from headrace._ids import is_valid_id, valid_id
from headrace._propagation.carriers import inject_trace, remove_trace
from headrace._propagation.envelope import (
    HEADER,
    MAX_NAMES,
    Envelope,
    MalformedEnvelopeError,
    parse_envelope,
    seconds_until,
    write_envelope,
)
from headrace._propagation.messages import (
    read_headers,
    reason_to_ignore,
    report_ignored,
    task_context,
    trace_in,
)
from headrace._propagation.metadata import accepted_metadata, propagated_metadata

__all__ = [
    "HEADER",
    "MAX_NAMES",
    "Envelope",
    "MalformedEnvelopeError",
    "accepted_metadata",
    "await_span",
    "inject_trace",
    "is_detached",
    "is_valid_id",
    "make_id",
    "parse_envelope",
    "propagated_metadata",
    "read_headers",
    "reason_to_ignore",
    "remove_trace",
    "report_ignored",
    "seconds_until",
    "task_context",
    "trace_in",
    "valid_id",
    "write_envelope",
]
