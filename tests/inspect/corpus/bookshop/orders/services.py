"""What happens to an order between the form and the database."""

from decimal import Decimal
from functools import partial

from django.db import transaction

from .flows import checkout
from .models import Line, Order
from .signals import basket_priced
from .tasks import send_confirmation, update_recommendations


class PricedBasket:
    def __init__(self, lines, total):
        self.lines = lines
        self.total = total


@transaction.atomic
def create_order(data, user):
    basket = price_basket(data["items"])
    order = Order.objects.create(user=user, total=basket.total)
    reserve_stock(order, basket)
    transaction.on_commit(lambda: send_confirmation.delay(order.pk))
    transaction.on_commit(partial(refresh_dashboard, order.pk))
    transaction.on_commit(partial(update_recommendations.delay, user.pk), using="default")
    return order


@checkout.step(after="place_order")
def price_basket(items):
    total = sum((Decimal(item["price"]) * item["quantity"] for item in items), Decimal(0))
    basket = PricedBasket(items, total)
    basket_priced.send(sender=PricedBasket, basket=basket)
    return basket


@checkout.step(after=price_basket)
def reserve_stock(order, basket):
    Line.objects.bulk_create(
        Line(order=order, isbn=item["isbn"], quantity=item["quantity"]) for item in basket.lines
    )


@checkout.step(after=reserve_stock)
def refresh_dashboard(pk):
    order = Order.objects.get(pk=pk)
    print("dashboard", order.total)


@checkout.step(after="refresh_dashboard")
def email_accounting(pk):
    """Nobody calls it any more: accounting reads the dashboard."""
    print("accounting", pk)
