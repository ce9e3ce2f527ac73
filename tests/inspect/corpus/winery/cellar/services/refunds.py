from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import transaction

from cellar.flows import refunds

from .gateways import StripeGateway

if TYPE_CHECKING:
    from cellar.models import Order

log = logging.getLogger(__name__)


@refunds.step(after="refund_selected")
def refund_order(order: Order) -> None:
    gateway = StripeGateway()
    with transaction.atomic():
        gateway.release_payment(order)
        order.mark_refunded()
    log_refund(order)


@refunds.step(after="refnd_order")
def log_refund(order: Order) -> None:
    log.info("refunded %s", order.pk)
