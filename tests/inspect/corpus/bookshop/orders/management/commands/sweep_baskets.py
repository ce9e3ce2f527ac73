from datetime import timedelta

from django.core.management.base import BaseCommand
from django.utils import timezone

from orders.flows import housekeeping
from orders.models import Basket


class Command(BaseCommand):
    help = "Delete baskets that nobody has touched for a month."

    def handle(self, *args, **options):
        sweep(options.get("dry_run", False))


@housekeeping.entrypoint
def sweep(dry_run):
    limit = timezone.now() - timedelta(days=30)
    for basket in Basket.objects.filter(touched__lt=limit):
        warn_owner(basket)
        if not dry_run:
            basket.delete()
    write_summary()


@housekeeping.step(after=sweep)
def warn_owner(basket):
    print("mail to", basket.owner)


@housekeeping.step(after=["warn_owner"])
def write_summary():
    print("done")
