from django.dispatch import Signal

membership_frozen = Signal()
membership_thawed = Signal()
