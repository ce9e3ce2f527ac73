from django.conf import settings
from django.db import models

from .flows import freezing, joining
from .signals import membership_frozen


@joining.step(after="check_age")
def number_contract(contract):
    contract.number = f"{contract.pk:08d}"
    contract.save(update_fields=["number"])


class MembershipQuerySet(models.QuerySet):
    def active(self):
        return self.filter(frozen=False)


class MembershipManager(models.Manager.from_queryset(MembershipQuerySet)):
    def open_for(self, person, plan):
        contract = self.model(person=person, plan=plan)
        contract.check_age()
        contract.save(using=self._db)
        number_contract(contract)
        return contract


class Membership(models.Model):
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    plan = models.CharField(max_length=20)
    number = models.CharField(max_length=8, blank=True)
    frozen = models.BooleanField(default=False)

    objects = MembershipManager()

    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        if self.frozen:
            membership_frozen.send(sender=type(self), membership=self)

    @joining.step(after="submit")
    def check_age(self):
        if self.person.age < 16:
            raise ValueError("too young")

    @freezing.step(after="handle")
    def freeze(self):
        self.frozen = True
        self.save()
