"""What a tree of source files declares and shows: plain data, which the cache keeps."""

from __future__ import annotations

from dataclasses import dataclass

from ._findings._ignores import Ignore
from ._report import Edge, Finding, Problem, Step


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a tree, whatever is asked of it.

    Attributes:
        findings: the errors.
        not_shown: a finding for each edge that is not shown, and for what is computed.
        problems: what could not be analysed.
        files: how many files were read.
    """

    steps: tuple[Step, ...] = ()
    edges: tuple[Edge, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_shown: tuple[Finding, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0
