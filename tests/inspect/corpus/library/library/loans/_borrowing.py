from headrace import entrypoint as starts
from headrace import step as then

from ..names import FIRST_STEP, LOANS

__all__ = ["borrow", "stamp"]


@starts(LOANS)
def borrow(card, book):
    if not check_card(card):
        return None
    from . import lending

    return lending.lend(card, book)


@then(LOANS, after=FIRST_STEP)
def check_card(card):
    return bool(card)


@then("loans", after=check_card, name="stamp book")
def stamp(book):
    print("stamped", book)
