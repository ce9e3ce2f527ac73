from .flows import payments, refunds


@payments.step(after="record_payment")
def fulfil_order(sender, order, **kwargs):
    print("fulfil", order)


@payments.step(after="record_payment")
def audit_payment(sender, instance, **kwargs):
    print("audit", instance.pk)


@payments.step(after="fulfil_order")
def thank_customer(sender, order, **kwargs):
    """Was connected to order_paid once."""
    print("thank you", order)


@refunds.step(after="open_refund")
def audit_refund(sender, instance, **kwargs):
    print("audit", instance.pk)
