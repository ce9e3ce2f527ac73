"""What the application needs of the world."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .model import Drug, Patient, Prescription


class Stock(t.Protocol):
    def take(self, drug: Drug, amount: int) -> None: ...
    def missing(self) -> list[Drug]: ...


class Labels(t.Protocol):
    def print(self, prescription: Prescription) -> None: ...


class Notifier(t.Protocol):
    def tell(self, patient: Patient, text: str) -> None: ...


@t.runtime_checkable
class Clock(t.Protocol):
    def now(self) -> float: ...
