from django.dispatch import receiver

from .flows import freezing
from .signals import membership_frozen


@receiver(membership_frozen)
@freezing.step(after="freeze")
def tell_desk(sender, membership, **kwargs):
    print("desk", membership.pk)


@freezing.step(after="freeze")
def tell_coach(sender, membership, **kwargs):
    print("coach", membership.pk)
