"""What is missing in the logs of operations, and what the logs cannot tell."""

from ._audit import Audit, Auditor, Case, Unjudged
from ._json import audit_json
from ._kinds import KINDS
from ._steps import Edge, read_edges

__all__ = [
    "KINDS",
    "Audit",
    "Auditor",
    "Case",
    "Edge",
    "Unjudged",
    "audit_json",
    "read_edges",
]
