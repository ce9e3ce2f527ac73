from .base import Cleaning
from .suite import SuiteCleaning

__all__ = ["Cleaning", "SuiteCleaning"]
