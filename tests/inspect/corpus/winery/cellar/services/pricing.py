from dataclasses import dataclass
from decimal import Decimal

from cellar.flows import orders
from cellar.models import Vintage


@dataclass(frozen=True)
class Item:
    vintage: Vintage
    quantity: int
    price: Decimal


@orders.step(after="form_valid")
def price_items(wanted):
    return [
        Item(vintage=vintage, quantity=quantity, price=Decimal(vintage.year % 100) * quantity)
        for vintage, quantity in wanted.items()
    ]
