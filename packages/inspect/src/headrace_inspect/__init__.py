"""headrace check: compares declared flows with the code."""

from __future__ import annotations

from ._check import check
from ._report import Edge, Finding, Place, Problem, Report, Suggestion, Verdict

__all__ = ["Edge", "Finding", "Place", "Problem", "Report", "Suggestion", "Verdict", "check"]
