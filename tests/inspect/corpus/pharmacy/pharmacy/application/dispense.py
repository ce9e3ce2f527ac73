from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import _flows, domain
from ..adapters import label_text, post_letter
from ..compat import part_of
from ..domain import dose_is_safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..adapters import MemoryStock
    from ..domain import Notifier, Patient, Prescription

__all__ = ["Counter"]


@dataclass(kw_only=True)
class Counter:
    stock: MemoryStock
    notifier: Notifier
    drawer: Drawer
    on_sale: Callable[[float], None]

    @_flows.dispensing.entrypoint
    def dispense(self, prescription: Prescription, amount: int = 1) -> bool:
        if not prescription.is_valid():
            return self.send_away(prescription)
        found = domain.check_interactions(prescription.patient, prescription.drug.code)
        if found or not dose_is_safe(prescription):
            self.call_doctor(prescription, found)
        self.stock.take(prescription.drug, amount)
        self.print_label(prescription)
        self.hand_over(prescription.patient)
        self.drawer.cash(amount * 5.0)
        self.on_sale(amount * 5.0)
        return True

    @part_of("dispensing", after="is_valid")
    def send_away(self, prescription: Prescription) -> bool:
        return False

    @part_of("dispensing", after=["send_away", dose_is_safe])
    def call_doctor(self, prescription: Prescription, found: list[str]) -> None:
        print("doctor?", found)

    @part_of("dispensing", after="note")
    def print_label(self, prescription: Prescription) -> None:
        print(label_text(prescription))

    @part_of("dispensing", after="print_label")
    def hand_over(self, patient: Patient) -> None:
        patient.remember("A01")
        self.notifier.tell(patient, "Get well soon!")
        if not patient.name:
            post_letter(patient, "Who are you?")


class Drawer:
    @part_of("dispensing", after="hand_over")
    def cash(self, amount: float) -> None:
        self.open_drawer()
        receipt(amount)

    @part_of("dispensing", after="receipt")
    def open_drawer(self) -> None: ...


@part_of("dispensing", after="cash")
def receipt(amount: float) -> None:
    print(amount)


@part_of("dispensing", after="receipt")
def count_sale(amount: float) -> None:
    print("sale of", amount)
