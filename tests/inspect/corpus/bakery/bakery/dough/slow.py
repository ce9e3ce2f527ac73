from headrace import step

from ..names import BAKERY


@step(BAKERY, after="knead")
def rest(amount):
    return amount
