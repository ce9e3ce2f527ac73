from __future__ import annotations

import typing

from ..adapters import robot
from ..compat import begins, part_of

if typing.TYPE_CHECKING:
    from ..adapters import Shelf
    from ..domain import Drug, Stock


@begins("stock")
def count_shelves(stock: Stock, wholesaler: Wholesaler, shelf: Shelf) -> None:
    missing = stock.missing()
    boxes = wholesaler.order(missing)
    robot.unpack(boxes)
    for drug in missing:
        shelf.fill(drug.code, 10)
    if not missing:
        fill_by_hand("A01", 1)
    close_order(boxes)


class Wholesaler:
    def __init__(self, refill: Refill) -> None:
        self.refill = refill

    def order(self, drugs: list[Drug]) -> list[str]:
        return [self.refill.send_order(drug) for drug in drugs]


class Refill:
    @part_of("stock", after=count_shelves)
    def send_order(self, drug: Drug) -> str:
        return drug.code


@part_of("stock", after=["scan", "fill"])
def close_order(boxes: list[str]) -> None:
    print("closed", len(boxes))


@part_of("stock", name="fill", after="count_shelves")
def fill_by_hand(code: str, amount: int) -> None:
    """A second step of that name: the robot was down for a week."""


@part_of("stock", after="dispensing.cash")
def order_again(drug: Drug) -> None:
    """Was called by the cash drawer."""
