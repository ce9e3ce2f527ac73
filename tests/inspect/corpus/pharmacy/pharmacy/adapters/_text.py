from __future__ import annotations

from typing import TYPE_CHECKING

from .._flows import dispensing

if TYPE_CHECKING:
    from ..domain import Patient


class TextNotifier:
    def tell(self, patient: Patient, text: str) -> None:
        self._send(patient.name, text)

    @dispensing.step(after="hand_over", name="send_text")
    def _send(self, name: str, text: str) -> None:
        print(name, text)


@dispensing.step(after="send_text")
def post_letter(patient: Patient, text: str) -> None:
    print("letter", patient.name, text)


@dispensing.step(after="post_letter")
def frank(letter: str) -> None:
    print("stamp on", letter)
