"""What goes wrong as a code base ages: each declaration was right once."""

from __future__ import annotations

import logging
from decimal import Decimal

from headrace import flow

log = logging.getLogger(__name__)
transfers = flow("transfers")


@transfers.entrypoint
def transfer(source: str, target: str, amount: Decimal) -> None:
    check_limits(source, amount)
    book(source, target, amount)
    screen(target)
    if amount > 10_000:
        report_large(source, amount)
    else:
        confirm_by_text(source)
    log.info("transferred %s", amount)


@transfers.step(after="transfer")
def check_limits(source: str, amount: Decimal) -> None:
    if amount <= 0:
        raise ValueError("amount")


@transfers.step(after="check_limits")
def screen(target: str) -> None:
    """Sanctions. Somebody moved the call below the booking."""


@transfers.step(after=screen)
def book(source: str, target: str, amount: Decimal) -> None:
    debit(source, amount)
    credit(target, amount)


@transfers.step(after="credit")
def debit(account: str, amount: Decimal) -> None:
    """Declared the wrong way round."""


@transfers.step(after="book")
def credit(account: str, amount: Decimal) -> None: ...


@transfers.step(after="book")
def report_large(account: str, amount: Decimal) -> None: ...


@transfers.step(after=["report_large"])
def confirm_by_text(account: str) -> None:
    """The other branch."""


@transfers.step(after="confirm_by_text")
def confirm_by_letter(account: str) -> None:
    """Replaced by text messages; only the test bench prints letters."""


def print_sample_letter() -> None:
    confirm_by_letter("DE00")


@transfers.step(after="confirm_by_letter")
def stamp_letter(account: str) -> None:
    """Never called at all."""
