import headrace as hr

from ..names import LOANS

loans = hr.flow(LOANS)
