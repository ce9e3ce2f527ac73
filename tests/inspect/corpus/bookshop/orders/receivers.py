from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from .flows import checkout, housekeeping
from .models import Basket, Line, Order
from .signals import basket_priced, stock_low


@receiver(basket_priced)
@checkout.step(after="price_basket")
def apply_voucher(sender, basket, **kwargs):
    basket.total -= 1


@receiver(post_save, sender=Order)
@checkout.step(after="price_basket", name="index_order")
def index(sender, instance, created, **kwargs):
    if created:
        print("indexed", instance.pk)


@receiver([pre_save, post_delete], sender=Basket)
@housekeeping.step(after="sweep")
def forget_basket(sender, instance, **kwargs):
    print("forgotten", instance.pk)


@receiver(user_logged_in)
@checkout.step(after="sign_in")
def merge_baskets(sender, request, user, **kwargs):
    Basket.objects.filter(owner=user).update(touched=None)


# Nothing sends stock_low since the warehouse has a system of its own.
@receiver(stock_low)
@checkout.step(after="reserve_stock")
def reorder(sender, isbn, **kwargs):
    print("reorder", isbn)


def count_line(sender, instance, **kwargs):
    print("line", instance.pk)


post_save.connect(count_line, sender=Line)
