from celery import shared_task

from headrace_celery import flow_task


@flow_task("checkout", after="reserve_stock")
def send_confirmation(order_id):
    from .models import Order

    order = Order.objects.get(pk=order_id)
    body = render_letter(order)
    deliver.delay(order.user.email, body)


def render_letter(order):
    return f"Thank you for order {order.pk}."


@flow_task("checkout", after="send_confirmation", ignore_result=True)
def deliver(address, body):
    print("to", address, body)


@flow_task("checkout", after="deliver")
def archive_letter(address, body):
    print("archived", address)


@flow_task("checkout", after=["reserve_stock"], step_name="recommend")
def update_recommendations(user_id):
    print("recommend", user_id)


@shared_task
def nightly_report():
    print("report")
