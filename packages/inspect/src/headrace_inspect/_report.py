"""What a check found: plain data, for the output formats and for callers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from headrace.commands import printable

Verdict = Literal["confirmed", "contradicted", "unresolved"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "contradicted", "unresolved")
KINDS = ("call", "enqueue", "on_commit", "canvas", "http")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file.

    Attributes:
        file: the file's path, relative to the working directory where it lies in it.
        line: the line, from 1.
    """

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A declared edge, and what the code says of it.

    Attributes:
        flow: the flow's name.
        source: the step before; one of another flow as ``flow.step``.
        target: the step after.
        verdict: ``confirmed``, ``contradicted`` or ``unresolved``.
        kind: how the target is reached, one of `KINDS`; as declared where that is not known.
        evidence: the places that show it.
    """

    flow: str
    source: str
    target: str
    verdict: Verdict
    kind: str
    evidence: tuple[Place, ...] = ()

    @property
    def id(self) -> str:
        """The edge's identity everywhere: ``flow:source->target``."""
        return f"{self.flow}:{self.source}->{self.target}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a declaration, or may be.

    Attributes:
        code: a stable code, such as ``HR101``.
        verdict: ``contradicted`` or ``unresolved``.
        flow: the flow's name, or None.
        source: the predecessor concerned, or None.
        target: the step concerned, or None.
        kind: the edge's kind, or None.
        place: the line of the ``def``.
        column: where in that line the name stands, from 1.
        width: the length of the name.
        message: what is wrong.
        related: other places that explain it.
        text: the line of the source, without its end.
    """

    code: str
    verdict: Verdict
    flow: str | None
    source: str | None
    target: str | None
    kind: str | None
    place: Place
    message: str
    column: int = 1
    width: int = 1
    related: tuple[Place, ...] = ()
    text: str = ""

    def fails(self, *, strict: bool = False) -> bool:
        """Tell whether it makes a check fail: if contradicted, and if `strict` in any case."""
        return strict or self.verdict == "contradicted"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A file that could not be analysed.

    Attributes:
        file: its path.
        line: the line at which reading it failed, or 0.
        message: why.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """Give it as compilers do."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the code implies for the ``after=`` of a step.

    Attributes:
        flow: the flow's name.
        step: the step's name.
        declared: what is declared.
        implied: what runs immediately before the step, by name, sorted.
        place: the line of the ``def``.
    """

    flow: str
    step: str
    declared: tuple[str, ...]
    implied: tuple[str, ...]
    place: Place

    @property
    def code(self) -> str:
        """The argument as it is written in Python: ``after="a"`` or ``after=["a", "b"]``."""
        names = [_quoted(name) for name in self.implied]
        return f"after={names[0]}" if len(names) == 1 else f"after=[{', '.join(names)}]"


@dataclass(slots=True)
class Report:
    """The result of a check.

    Attributes:
        findings: what is contradicted or unresolved, in the order of files and lines.
        edges: every declared edge, by flow, target and source.
        problems: the files that could not be analysed.
        suggestions: per step whose ``after=`` differs from the code, what the code implies.
        files: how many files were read.
        steps: how many steps are declared.
    """

    findings: list[Finding] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    files: int = 0
    steps: int = 0

    def failing(self, *, strict: bool = False) -> list[Finding]:
        """Return the findings that make a check fail: the contradicted, and if `strict` all."""
        return [finding for finding in self.findings if finding.fails(strict=strict)]

    def exit_status(self, *, strict: bool = False) -> int:
        """Return 0 where all is well, 1 for findings, 2 where something could not be analysed."""
        if self.problems:
            return 2
        return 1 if self.failing(strict=strict) else 0


def _quoted(name: str) -> str:
    return '"' + printable(name.replace("\\", "\\\\").replace('"', '\\"')) + '"'
