from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "members"

    def ready(self):
        from . import receivers
        from .signals import membership_frozen

        membership_frozen.connect(receivers.tell_coach, dispatch_uid="coach")
