"""The declaration of a step, known at import time."""

from __future__ import annotations

from typing import NamedTuple


class StepInfo(NamedTuple):
    """The declaration of a step. Immutable.

    Attributes:
        name: the name of the step, unique in its flow.
        flow: the name of the flow.
        after: the names of the preceding steps; ``flow.step`` for those of another flow.
        kind: ``function``, ``task`` or ``chain``.
        is_entrypoint: whether the step is an entrypoint of the flow.
        description: as given, or the first line of the docstring, or ``""``.
        file: the source file, or ``""`` if unknown.
        line: the first line of the definition, decorators included, or 0 if unknown.
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
    """An option of a chain's step, such as its condition or its retries.

    Attributes:
        kind: ``when``, ``retries``, ``timeout``, ``undo`` or ``parallel``.
        text: its value, such as ``order.is_new``, ``3`` or ``1 of 2``; may be empty.
    """

    kind: str
    text: str = ""
