from __future__ import annotations

import dataclasses as dc
from typing import ClassVar, NewType

from .._flows import dispensing

Code = NewType("Code", str)


@dc.dataclass(frozen=True, slots=True)
class Drug:
    code: Code
    name: str
    limit: float

    all_known: ClassVar[dict[Code, Drug]] = {}


@dc.dataclass
class Patient:
    name: str
    weight: float
    takes: set[Code] = dc.field(default_factory=set)

    @dispensing.step(after="hand_over")
    def remember(self, code: Code) -> None:
        self.takes.add(code)


@dc.dataclass
class Prescription:
    patient: Patient
    drug: Drug
    dose: float

    def __post_init__(self) -> None:
        if self.dose <= 0:
            raise ValueError("dose")

    @dispensing.step(after=["dispense"])
    def is_valid(self) -> bool:
        return self.dose < 1000
