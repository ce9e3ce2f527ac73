from headrace import step

from ..names import FEES as WHICH


@step(WHICH, after="charge")
def amount(days: int) -> float:
    return min(days * 0.2, 15)


@step(f"{WHICH}", after=[amount, "book_amount"])
def forget(book):
    print("forgotten", book)
