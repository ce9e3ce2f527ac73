from django.conf import settings
from django.db import models, transaction

from .flows import refunds
from .managers import OrderManager, VintageManager


class Vintage(models.Model):
    name = models.CharField(max_length=100)
    year = models.PositiveIntegerField()
    bottles = models.PositiveIntegerField(default=0)

    objects = VintageManager()

    def __str__(self):
        return f"{self.name} {self.year}"


class Order(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    total = models.DecimalField(max_digits=10, decimal_places=2)
    state = models.CharField(max_length=20, default="open")

    objects = OrderManager()

    def line_for(self, item):
        return Line(order=self, vintage=item.vintage, quantity=item.quantity)

    @refunds.step(after="release_payment")
    def mark_refunded(self):
        from .tasks import mail_refund

        type(self).objects.filter(pk=self.pk).update(state="refunded")
        transaction.on_commit(lambda: mail_refund.delay(self.pk))


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    vintage = models.ForeignKey(Vintage, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()


class Points(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    balance = models.IntegerField(default=0)
