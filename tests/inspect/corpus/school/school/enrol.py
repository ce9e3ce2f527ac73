from celery import shared_task
from django.db import transaction

from headrace import entrypoint, step
from headrace_celery import flow_task


@entrypoint("enrol")
def enrol(pupil):
    check_papers(pupil)
    assign_class(pupil)
    order_books.apply_async((pupil,), countdown=5)
    settle.delay(pupil)


@shared_task
def settle(pupil):
    with transaction.atomic():
        pay_books(pupil)
        transaction.on_commit(lambda: welcome_letter.delay(pupil))


@step("enrol", after="enrol")
def check_papers(pupil):
    return pupil


@flow_task("enrol", after="check_papers")
def assign_class(pupil):
    return pupil


@flow_task("enrol", after="assign_class")
def order_books(pupil):
    return pupil


@step("enrol", after="order_books")
def pay_books(pupil):
    return pupil


@flow_task("enrol", after="pay_books")
def welcome_letter(pupil):
    sign_letter(pupil)


@step("enrol", after="welcome_letter")
def sign_letter(pupil):
    return pupil
