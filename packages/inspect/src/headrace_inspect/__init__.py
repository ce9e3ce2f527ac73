"""headrace check: compares declared flows with the code."""

from __future__ import annotations

from ._check import check
from ._report import Edge, Finding, Link, Lost, Place, Problem, Report, Since, Step, Verdict

__all__ = [
    "Edge",
    "Finding",
    "Link",
    "Lost",
    "Place",
    "Problem",
    "Report",
    "Since",
    "Step",
    "Verdict",
    "check",
]
