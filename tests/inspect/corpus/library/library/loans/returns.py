from __future__ import annotations

import typing as t

from headrace import flow

from .. import fees
from ..fees import rules

returns = flow(name="returns") if t.TYPE_CHECKING else flow("returns")


@returns.entrypoint(description="Somebody brings a book back.")
def give_back(book, days):
    look_at = inspect_book
    look_at(book)
    if days > 28:
        fees.charge(book, days)
    shelve(book)


@returns.step(after=give_back)
def inspect_book(book):
    return book


@returns.step(after=["inspect_book", "fees.charge"])
def shelve(book):
    rules.forget(book)


@returns.step(after=shelve)
def tell_next_reader(book):
    """The web site does this now."""
