"""The flows in the pictures of the documentation."""

from __future__ import annotations

from headrace import Chain, flow
from headrace.integration import declare_task

order, warehouse, mail = flow("order"), flow("warehouse"), flow("mail")


@order.entrypoint
def receive() -> None:
    """Take an order."""


@order.step(after=receive)
def price() -> None:
    """Add up what it costs."""


@order.step(after=price)
def check_fraud() -> None:
    """Ask whether the customer is who they say."""


@order.step(after=[price, check_fraud])
def charge() -> None:
    """Charge the customer's card."""


@order.step(after=["charge", "warehouse.pack"])
def confirm() -> None:
    """Tell the customer."""


def fulfil() -> None:
    """Work on a paid order, in the background."""


declare_task(fulfil, "warehouse", after="order.charge")


@warehouse.step(after="fulfil")
def reserve() -> None:
    """Put the articles aside."""


@warehouse.step(after=reserve)
def pack() -> None:
    """Pack them."""


def reorder() -> None:
    """Buy what has become scarce."""


declare_task(reorder, "warehouse", after="reserve")


def send() -> None:
    """Send a mail."""


declare_task(send, "mail", after="order.confirm")


def fetch(url: str) -> str:
    """Fetch the file."""
    return url


def parse(raw: str) -> list[str]:
    """Read the orders in it."""
    return raw.split()


def match(orders: list[str]) -> list[str]:
    """Find the customers."""
    return orders


def convert(orders: list[str]) -> list[str]:
    """Convert the currencies."""
    return orders


def book(orders: list[str], amounts: list[str]) -> int:
    """Book them."""
    return len(orders) + len(amounts)


def cancel(booked: int) -> None:
    """Cancel the bookings."""


def report(booked: int) -> int:
    """Tell how many there were."""
    return booked


imports = (
    Chain("imports")
    .next(fetch, out="raw", name="fetch", args=["url"], retries=3)
    .next(parse, out="orders", name="parse", args=["raw"])
    .parallel(
        Chain().next(match, out="matched", name="match", args=["orders"]),
        Chain().next(convert, out="amounts", name="convert", args=["orders"], retries=2),
    )
    .next(book, out="booked", name="book", args=["matched", "amounts"], undo=cancel)
    .next(report, name="report", args=["booked"], when="booked")
)
