"""What is missing in the logs of operations, and what the logs cannot tell."""

from ._audit import Audit, Case, Unjudged, audit
from ._columns import AUDITED, WITH_STEPS
from ._json import audit_json
from ._kinds import KINDS
from ._steps import Edge, read_edges

__all__ = [
    "AUDITED",
    "KINDS",
    "WITH_STEPS",
    "Audit",
    "Case",
    "Edge",
    "Unjudged",
    "audit",
    "audit_json",
    "read_edges",
]
