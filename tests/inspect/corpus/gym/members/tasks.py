from celery import shared_task

from headrace import step
from headrace_celery import flow_task


@flow_task("joining", after="number_contract", max_retries=3, bind=True)
def send_card(self, membership_id):
    try:
        print_card.apply_async(args=(membership_id,), countdown=60)
    except OSError as error:
        raise self.retry(exc=error)


@flow_task("joining", after="send_card")
def print_card(membership_id):
    try:
        print("printing", membership_id)
    finally:
        post_card(membership_id)


@step("joining", after="print_card")
def post_card(membership_id):
    print("posting", membership_id)


@flow_task("joining", after="post_card")
def recall_card(membership_id):
    print("recalled", membership_id)


@shared_task
def purge():
    print("purged")
