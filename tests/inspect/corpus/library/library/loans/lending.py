import library.loans as loans_package
from library.loans import loan_flow as flow_of_loans

try:
    from fastdates import due_date
except ImportError:
    from .dates import due_date


def lend(card, book):
    loans_package.stamp(book)
    due = due_date(book)
    hand_over(book, due)
    return due


@flow_of_loans.step(after=[loans_package.stamp, "due date"])
def hand_over(book, due):
    print(book, "until", due)
