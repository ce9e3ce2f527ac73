import logging

from celery import shared_task

from headrace_celery import flow_task

from .flows import orders

log = logging.getLogger(__name__)


@flow_task("order", after="capture", autoretry_for=(OSError,), retry_backoff=True)
def send_receipt(order_pk):
    from .models import Order

    order = Order.objects.get(pk=order_pk)
    body = render_receipt(order)
    log.info("mail to %s: %s", order.user, body)
    archive_receipt(order_pk, body)
    ask_review.apply_async((order_pk,), countdown=14 * 86400)


@orders.step(after=send_receipt)
def render_receipt(order):
    lines = "\n".join(str(line.vintage) for line in order.lines.all())
    return f"Order {order.pk}\n{lines}"


@flow_task("order", after=send_receipt)
def archive_receipt(order_pk, body):
    log.info("archived %s, %s bytes", order_pk, len(body))


@flow_task("order", after="send_receipt")
def ask_review(order_pk):
    log.info("how was order %s?", order_pk)


@flow_task("order", after="ask_review")
def send_voucher(order_pk):
    """Marketing has a tool of its own since."""
    log.info("voucher for %s", order_pk)


@flow_task("order", after=["capture"], queue="erp")
def sync_erp(order_pk):
    log.info("erp %s", order_pk)
    notify_warehouse.delay(order_pk)


@shared_task(queue="erp")
@orders.step(after="sync_erp")
def notify_warehouse(order_pk):
    log.info("warehouse %s", order_pk)


@flow_task("refund", after="mark_refunded")
def mail_refund(order_pk):
    log.info("refund mail for %s", order_pk)
