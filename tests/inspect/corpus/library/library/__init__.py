"""A lending library, in packages that re-export each other."""

from .loans import borrow
from .loans.returns import give_back as return_book

__all__ = ["borrow", "return_book"]
