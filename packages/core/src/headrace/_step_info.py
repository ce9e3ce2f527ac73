"""What is known of a step at import time."""

from __future__ import annotations

from typing import NamedTuple


class StepInfo(NamedTuple):
    """A step as it was declared; it cannot be changed.

    Attributes:
        name: the step's name, unique in its flow.
        flow: the name of the flow.
        after: the steps that come before, as names; those of another flow as ``flow.step``.
        kind: ``function``, ``task`` or ``chain``.
        is_entrypoint: whether the flow begins here.
        description: the first line of the docstring, or what was given instead; else ``""``.
        file: the source file, or ``""`` where there is none.
        line: the line on which the definition begins, decorators included; 0 where unknown.
    """

    name: str
    flow: str
    after: tuple[str, ...] = ()
    kind: str = "function"
    is_entrypoint: bool = False
    description: str = ""
    file: str = ""
    line: int = 0


class StepNote(NamedTuple):
    """What a chain adds to a step: when it is skipped, how often it is tried.

    Attributes:
        kind: ``when``, ``retries``, ``timeout``, ``undo`` or ``parallel``.
        text: what of it, such as ``order.is_new``, ``3`` or ``1 of 2``; may be empty.
    """

    kind: str
    text: str = ""
