from django.db import models

from .flows import orders, vintages


class OrderQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state="open")

    def for_user(self, user):
        return self.filter(user=user)


class OrderManager(models.Manager.from_queryset(OrderQuerySet)):
    @orders.step(after="allocate_stock")
    def create_order(self, user, items):
        order = self.create(user=user, total=sum(item.price for item in items))
        order.lines.bulk_create(order.line_for(item) for item in items)
        return order


class VintageManager(models.Manager):
    @vintages.step(after="store_row")
    def drop_stale(self, seen):
        return self.exclude(pk__in=seen).delete()
