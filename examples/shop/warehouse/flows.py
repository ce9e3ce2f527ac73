"""The warehouse's steps of the order flow. headrace_django imports this file when Django starts."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import F

from flows import order
from warehouse.models import Reservation, Stock

log = logging.getLogger("warehouse")


@order.step(after="fulfil")
@transaction.atomic
def reserve(number: str, article: str, quantity: int) -> str | None:
    """Put the article aside. Returns what is in the way, or None. A second call changes nothing."""
    if Reservation.objects.filter(number=number).exists():
        log.info("already reserved", extra={"order": number})
        return None
    stock = Stock.objects.filter(article=article).first()
    if stock is None:
        log.warning("unknown article %r", article, extra={"order": number})
        return f"no article {article!r}"
    if stock.free < quantity:
        log.warning("only %d of %s left", stock.free, article, extra={"order": number})
        return f"only {stock.free} left" if stock.free else "sold out"
    Stock.objects.filter(article=article).update(free=F("free") - quantity)
    Reservation.objects.create(number=number, stock=stock, quantity=quantity)
    log.info("reserved %d x %s", quantity, article, extra={"order": number})
    return None


@order.step(after="book")
@transaction.atomic
def release(number: str) -> None:
    """Put a reservation back into stock, if there is one."""
    for reservation in Reservation.objects.filter(number=number):
        Stock.objects.filter(pk=reservation.stock_id).update(free=F("free") + reservation.quantity)
        reservation.delete()
    log.info("released", extra={"order": number})
