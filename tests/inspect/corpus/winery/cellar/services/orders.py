import functools

from django.db import transaction
from django.db.models import F

from cellar import tasks
from cellar.flows import orders
from cellar.models import Order, Vintage
from cellar.signals import order_placed

from .gateways import StripeGateway
from .pricing import price_items


@orders.step(after=price_items)
def allocate_stock(items):
    for item in items:
        Vintage.objects.filter(pk=item.vintage.pk).update(bottles=F("bottles") - item.quantity)


class OrderService:
    def __init__(self, user, gateway=None):
        self.user = user
        self.gateway = gateway or StripeGateway()

    @transaction.atomic
    def place(self, data):
        items = self._collect_items(data)
        allocate_stock(items)
        order = Order.objects.create_order(self.user, items)
        self._charge(order)
        order_placed.send(sender=self.__class__, order=order)
        transaction.on_commit(lambda: tasks.send_receipt.delay(order.pk))
        transaction.on_commit(functools.partial(tasks.sync_erp.delay, order.pk))
        return order

    def _collect_items(self, data):
        wanted = {row["vintage"]: row["quantity"] for row in data["rows"]}
        return price_items(wanted)

    def _charge(self, order):
        self.gateway.capture(order)
