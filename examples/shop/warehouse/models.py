"""What lies in the warehouse, and what of it is reserved."""

from __future__ import annotations

from django.db import models


class Stock(models.Model):
    """An article and how many of it are free."""

    article = models.CharField(max_length=60, primary_key=True)
    free = models.PositiveIntegerField()


class Reservation(models.Model):
    """What is put aside for an order."""

    number = models.CharField(max_length=40, primary_key=True)
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
