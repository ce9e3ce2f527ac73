"""Queues: where they are declared, where they are not, and where they are gone."""

from django.db import transaction

from app import celery
from headrace import flow
from headrace_celery import flow_task

subscribing = flow("subscribing")


@subscribing.entrypoint
def subscribe(address):
    check_address(address)
    with transaction.atomic():
        transaction.on_commit(lambda: add_to_statistics(address))
        save(address)
    send_welcome(address)
    import_history.delay(address)
    score_in_background.delay(address)
    clean_list.apply(args=[address])
    transaction.on_commit(tell_partners.delay)
    celery.send_task("subscriptions.count_members")
    transaction.on_commit(greet_by_name)


@subscribing.step(after=subscribe)
def check_address(address): ...


@subscribing.step(after=check_address)
def save(address): ...


@subscribing.step(after=save)
def add_to_statistics(address):
    """Handed over before the saving, and run after it: that is what on_commit is for."""


@flow_task("subscribing", after=["save"], app=celery)
def send_welcome(address):
    """Called here and now, since the queue was too slow for somebody."""
    render(address)


@subscribing.step(after="send_welcome")
def render(address): ...


@celery.task
@subscribing.step(after="save")
def import_history(address):
    """A step says that it is called; the code puts it into a queue."""


@celery.task
def score_in_background(address):
    """A task of its own, and no step."""
    score(address)
    store_score(address)


@subscribing.step(after="save")
def score(address):
    return 1


@subscribing.step(after="score")
def store_score(address): ...


@flow_task("subscribing", after="save", app=celery)
def clean_list(address):
    """apply() runs it in this process."""


@flow_task("subscribing", after="save", app=celery)
def tell_partners():
    paint_report()
    weigh_members.delay()


@subscribing.step(after="tell_partners")
def paint_report(): ...


@flow_task("subscribing", after="tell_partners", app=celery, bind=True)
def weigh_members(self):
    try:
        ask_scale()
    except OSError as error:
        raise self.retry(exc=error)
    write_weights()


@subscribing.step(after="weigh_members")
def ask_scale(): ...


@subscribing.step(after="ask_scale")
def write_weights(): ...


@flow_task("subscribing", after="save", app=celery)
def count_members(): ...


@flow_task("subscribing", after="save", app=celery)
def greet_by_name():
    """on_commit calls it: in this process."""
