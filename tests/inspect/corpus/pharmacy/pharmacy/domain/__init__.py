from .checks import check_dose as dose_is_safe
from .checks import check_interactions
from .model import Drug, Patient, Prescription
from .ports import Clock, Labels, Notifier, Stock

__all__ = [
    "Clock",
    "Drug",
    "Labels",
    "Notifier",
    "Patient",
    "Prescription",
    "Stock",
    "check_interactions",
    "dose_is_safe",
]
