import logging

from django.db.models import F
from django.db.models.signals import post_save
from django.dispatch import receiver

from . import models
from .flows import orders
from .signals import order_placed

log = logging.getLogger(__name__)


@receiver(order_placed, dispatch_uid="cellar.notify")
@orders.step(after="capture")
def notify_cellar(sender, order, **kwargs):
    for line in order.lines.select_related("vintage"):
        log.info("fetch %s of %s", line.quantity, line.vintage)


# Somebody moved it from order_placed to post_save, and left the declaration.
@receiver(post_save, sender=models.Order)
@orders.step(after="notify_cellar")
def award_points(sender, instance, created, **kwargs):
    if created:
        models.Points.objects.filter(user=instance.user).update(
            balance=F("balance") + int(instance.total)
        )
