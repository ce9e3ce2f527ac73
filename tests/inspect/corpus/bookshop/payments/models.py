from django.db import models


class Payment(models.Model):
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    complete = models.BooleanField(default=False)


class Refund(models.Model):
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT)
    state = models.CharField(max_length=20, default="open")


class Voucher(models.Model):
    code = models.CharField(max_length=20)
