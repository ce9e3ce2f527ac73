"""Booking a trip: early returns, exceptions, loops, branches."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import Blueprint, abort, jsonify, request

from headrace import flow

from . import partners

bp = Blueprint("trips", __name__)
trip = flow("trip")


@bp.post("/")
@trip.entrypoint
def book_trip():
    wish = request.get_json()
    if (problem := validate_wish(wish)) is not None:
        reject(wish, problem)
        return jsonify(problem=problem), 400
    price = quote(wish)
    if not within_budget(wish, price) and not request.args.get("force"):
        return offer_cheaper(wish)
    try:
        seats = [hold_seat(leg) for leg in wish["legs"]]
        charge_card(wish, price)
    except partners.SeatTaken:
        release_seats(wish)
        return offer_other_day(wish)
    except partners.CardRefused as refusal:
        release_seats(wish)
        tell_refused(wish, refusal)
        abort(402)
    else:
        issue_tickets(wish, seats)
    finally:
        log_attempt(wish)
    while not partners.confirmed(wish):
        poll_partner(wish)
    with receipt_printer() as printer:
        printer.write(make_receipt(wish))
    return jsonify(ok=True)


@trip.step(after=book_trip)
def validate_wish(wish: Any) -> str | None:
    return None if wish.get("legs") else "no legs"


@trip.step(after="validate_wish")
def reject(wish: Any, problem: str) -> None: ...


@trip.step(after="validate_wish")
def quote(wish: Any) -> int:
    return 100 * len(wish["legs"])


@trip.step(after=["quote"])
def within_budget(wish: Any, price: int) -> bool:
    return price <= wish["budget"]


@trip.step(after="within_budget")
def offer_cheaper(wish: Any): ...


@trip.step(after="offer_cheaper")
def hold_seat(leg: Any) -> str:
    """Declared after the offer, which returns: the two are never on one path."""
    return "12A"


@trip.step(after="hold_seat")
def charge_card(wish: Any, price: int) -> None: ...


@trip.step(after=["hold_seat", "charge_card"])
def release_seats(wish: Any) -> None: ...


@trip.step(after="release_seats")
def offer_other_day(wish: Any): ...


@trip.step(after="offer_other_day")
def tell_refused(wish: Any, refusal: Exception) -> None:
    """In another except clause."""


@trip.step(after=charge_card)
def issue_tickets(wish: Any, seats: list[str]) -> None: ...


@trip.step(after=["issue_tickets", "tell_refused", "offer_other_day"])
def log_attempt(wish: Any) -> None: ...


@trip.step(after=["log_attempt", "tell_refused"])
def poll_partner(wish: Any) -> None:
    """After a refusal the request is over; it never comes to polling."""


@contextlib.contextmanager
@trip.step(after="poll_partner")
def receipt_printer():
    yield open("/dev/lp0", "w")


@trip.step(after="receipt_printer")
def make_receipt(wish: Any) -> str:
    return "thank you"
