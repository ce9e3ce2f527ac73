from __future__ import annotations

from typing import TYPE_CHECKING

from .._flows import dispensing as flow

if TYPE_CHECKING:
    from .model import Patient, Prescription


@flow.step(after="is_valid")
def check_dose(prescription: Prescription) -> bool:
    return prescription.dose / prescription.patient.weight < prescription.drug.limit


@flow.step(after="take_from_shelf")
def check_interactions(patient: Patient, code: str) -> list[str]:
    """Before anything is taken from the shelf, as somebody noticed."""
    return [other for other in sorted(patient.takes) if (code, other) in _bad_pairs()]


@flow.step(after="check_interactions")
def check_allergies(patient: Patient) -> bool:
    """Waits for the record of the insurance."""
    return True


def _bad_pairs() -> set[tuple[str, str]]:
    return {("A01", "B02")}
