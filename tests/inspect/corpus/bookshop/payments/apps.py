from django.apps import AppConfig
from django.db.models.signals import post_save


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self):
        from . import handlers
        from .models import Payment, Refund
        from .signals import order_paid

        order_paid.connect(handlers.fulfil_order, dispatch_uid="payments.fulfil")
        post_save.connect(handlers.audit_payment, sender=Payment)
        post_save.connect(handlers.audit_refund, sender=Refund)
