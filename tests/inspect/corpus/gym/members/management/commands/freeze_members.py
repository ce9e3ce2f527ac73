from django.core.management.base import BaseCommand

from members.flows import freezing
from members.models import Membership


class Command(BaseCommand):
    help = "Freeze the memberships of those who asked for it."

    def add_arguments(self, parser):
        parser.add_argument("numbers", nargs="+")

    @freezing.entrypoint
    def handle(self, *args, **options):
        for membership in Membership.objects.active().filter(number__in=options["numbers"]):
            self.bill_pause(membership)
            membership.freeze()

    @freezing.step(after="tell_desk")
    def bill_pause(self, membership):
        self.stdout.write(f"pause of {membership.number}")
