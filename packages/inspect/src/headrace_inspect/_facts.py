"""What a tree of source files declares and shows: plain data, which the cache keeps."""

from __future__ import annotations

from dataclasses import dataclass

from ._report import Edge, Finding, Place, Problem, Step


@dataclass(frozen=True, slots=True)
class Ignore:
    """An ignore comment, and the codes that it names."""

    place: Place
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A task, as its messages depend on it.

    Attributes:
        name: the name that messages carry.
        function: the dotted name of the function in its module.
        place: where that is.
        positional: the parameters that take positional arguments; ``*`` for any number.
        named: the parameters that take keywords; ``**`` for any.
        needed: those without a default.
        queue: the queue, or None for the default.
        serializer: the serializer, or None for the default.
    """

    name: str
    function: str
    place: Place
    positional: tuple[str, ...]
    named: tuple[str, ...]
    needed: tuple[str, ...]
    queue: str | None
    serializer: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a tree, whatever is asked of it.

    Attributes:
        findings: the errors.
        not_shown: a finding for each edge that is not shown, and for what is computed.
        messages: the tasks.
        calls: digests of all calls, by which two trees are compared.
        problems: what could not be analysed.
        files: how many files were read.
    """

    steps: tuple[Step, ...] = ()
    edges: tuple[Edge, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_shown: tuple[Finding, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    messages: tuple[Message, ...] = ()
    calls: str = ""
    problems: tuple[Problem, ...] = ()
    files: int = 0
