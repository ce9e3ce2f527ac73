"""What a check found: plain data, for the output formats, the cache and callers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line, from 1, of a file; the path is relative to the working directory if it is in it."""

    file: str
    line: int

    def __str__(self) -> str:
        """Format it as compilers do; line 0 is left out."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Link:
    """A call in the evidence."""

    place: Place
    text: str  #: the call without its arguments, such as ``self.charge(...)``
    kind: str = "call"  #: how its target is reached, as for an edge
    scope: str = ""  #: the dotted name of the calling function; empty at module level
    target: str = ""  #: the dotted name of the called function

    def __str__(self) -> str:
        """Format its place and text."""
        return f"{self.place} {self.text}"


@dataclass(frozen=True, slots=True)
class Step:
    """A declared step; `place` is the line of its ``def``."""

    flow: str
    name: str
    place: Place

    @property
    def id(self) -> str:
        """The step's identity, ``flow:name``."""
        return f"{self.flow}:{self.name}"


@dataclass(frozen=True, slots=True)
class Edge:
    """A declared edge, and the evidence for it.

    The kind says how the target is reached: ``call``, ``enqueue``, ``on_commit``, ``signal``,
    ``canvas`` or ``http``; if the code does not tell, it is the declared kind.
    """

    flow: str
    source: str  #: the step before; ``flow.step`` if it is in another flow
    target: str  #: the step after
    kind: str
    by: tuple[str, ...] = ()  #: what shows it: ``code``, ``tests``, both or nothing
    evidence: tuple[Link, ...] = ()  #: the calls that show it in the code
    pivot: int = 0  #: how many of them lead to the source; the others lead to the target

    @property
    def id(self) -> str:
        """The edge's identity everywhere, ``flow:source->target``."""
        return f"{self.flow}:{self.source}->{self.target}"

    @property
    def verdict(self) -> Literal["shown", "not_shown"]:
        """Whether anything shows it."""
        return "shown" if self.by else "not_shown"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong. Every finding fails the check."""

    code: str  #: a stable code, such as ``HR101``
    flow: str | None
    source: str | None  #: the predecessor concerned
    target: str | None  #: the step, task or durable chain concerned
    place: Place  #: the line concerned, usually that of the ``def``
    message: str
    evidence: tuple[Link, ...] = ()  #: the calls that explain it

    @property
    def about(self) -> str:
        """The edge, the task or the durable chain, as ``accept`` names it."""
        edge = f"{self.flow}:{self.source}->{self.target}"
        return edge if self.flow else str(self.target)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A file that could not be analysed, its first bad line or 0, and why."""

    file: str
    line: int
    message: str

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.file, self.line)

    def __str__(self) -> str:
        """Format it as compilers do."""
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Lost:
    """An edge that was shown and no longer is."""

    edge: str
    was: Place  #: where the old evidence called the target
    broken_at: Place  #: where its first call was that no longer has a counterpart


@dataclass(frozen=True, slots=True)
class Boundary:
    """An edge that crosses another boundary than before, and the two kinds."""

    edge: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Steps or edges that were added or removed, or are shown in another way, by identity."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    rerouted: tuple[str, ...] = ()
    boundary: tuple[Boundary, ...] = ()


@dataclass(frozen=True, slots=True)
class Since:
    """What has changed since a revision. Places in old code have their old line numbers."""

    revision: str  #: as passed to the check
    base: str  #: the commit that was compared, the merge base of the revision and ``HEAD``
    lost: tuple[Lost, ...] = ()
    steps: Changes = Changes()
    edges: Changes = Changes()
    breaking: tuple[Finding, ...] = ()  #: changes that break messages and runs from before


@dataclass(slots=True)
class Report:
    """The result of a check."""

    findings: list[Finding] = field(default_factory=list)  #: in the order of files and lines
    edges: list[Edge] = field(default_factory=list)  #: all declared, by flow, target and source
    problems: list[Problem] = field(default_factory=list)  #: what could not be analysed
    steps: list[Step] = field(default_factory=list)
    files: int = 0  #: how many files were read
    since: Since | None = None  #: what has changed since a revision, if one was given

    def exit_status(self) -> int:
        """Return 0 where all is well, 1 for findings, 2 where something could not be analysed."""
        return 2 if self.problems else 1 if self.findings else 0


@dataclass(frozen=True, slots=True)
class Ignore:
    """An ignore comment, and the codes that it names."""

    place: Place
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What the messages of a task depend on."""

    name: str  # the name in messages
    function: str  # its dotted name in its module
    place: Place
    positional: tuple[str, ...]  # parameters that take positional arguments; ``*`` for any number
    named: tuple[str, ...]  # parameters that take keywords; ``**`` for any
    needed: tuple[str, ...]  # those without a default
    queue: str | None  # None for the default, as is the serializer
    serializer: str | None


@dataclass(frozen=True, slots=True)
class DurableChain:
    """A chain given to ``durable(...)``, by the name of its runs; `lines` describe it."""

    name: str
    place: Place
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a tree, independent of the question."""

    steps: tuple[Step, ...] = ()
    edges: tuple[Edge, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_shown: tuple[Finding, ...] = ()  # for edges and for what is computed
    ignores: tuple[Ignore, ...] = ()
    messages: tuple[Message, ...] = ()
    chains: tuple[DurableChain, ...] = ()
    calls: str = ""  # digests of all calls, by which two trees are compared
    problems: tuple[Problem, ...] = ()
    files: int = 0
