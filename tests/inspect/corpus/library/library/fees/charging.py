import headrace

from ..names import FEES
from . import rules

fees_flow = headrace.flow(FEES)


@fees_flow.entrypoint(name="charge")
def charge_fee(book, days):
    amount = rules.amount(days)
    return book_amount(amount)


@fees_flow.step(after="amount")
def book_amount(amount):
    print("owes", amount)
