import json

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt

from .flows import payments, refunds
from .models import Payment, Refund
from .signals import order_paid


@csrf_exempt
@payments.entrypoint
def payment_webhook(request):
    payload = json.loads(request.body)
    payment = record_payment(payload)
    if payment.complete:
        order_paid.send_robust(sender=Payment, order=payment.order)
    return HttpResponse(status=204)


@payments.step(after=payment_webhook)
def record_payment(payload):
    payment = Payment(order_id=payload["order"], amount=payload["amount"])
    payment.complete = payload["state"] == "complete"
    payment.save()
    return payment


@refunds.entrypoint
def open_refund(request, pk):
    refund = get_object_or_404(Refund, pk=pk)
    refund.state = "open"
    refund.save(update_fields=["state"])
    return HttpResponse(status=204)


@refunds.step(after=open_refund)
def close_refund(request, pk):
    """Another view: a clerk closes the refund days later, from another page."""
    Refund.objects.filter(pk=pk).update(state="closed")
    return HttpResponse(status=204)
