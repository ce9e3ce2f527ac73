from django.core.management.base import BaseCommand

from cellar.flows import vintages
from cellar.models import Vintage


class Command(BaseCommand):
    @vintages.step(name="rebuild", after="drop_stale")
    def handle(self, *args, **options):
        for vintage in Vintage.objects.all().iterator():
            self.stdout.write(str(vintage))
