from .dispense import *
from .refill import Refill, count_shelves

__all__ = ["Counter", "Refill", "count_shelves"]
