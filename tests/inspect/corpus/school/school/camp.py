from headrace import entrypoint, step
from headrace_celery import flow_task

from .app import app


@entrypoint("camp")
def sign_up(pupil):
    pay_deposit(pupil)
    stamp_card.s(pupil)()
    reserve_bed.apply_async(kwargs={"pupil": pupil}, queue="camp")


@step("camp", after="sign_up")
def pay_deposit(pupil):
    return pupil


@flow_task("camp", after="pay_deposit", app=app, bind=True, max_retries=5)
def reserve_bed(self, pupil):
    try:
        print("bed for", pupil)
    except ConnectionError as error:
        tell_parents.delay(pupil)
        raise self.retry(exc=error, countdown=2**self.request.retries)


@flow_task("camp", after="reserve_bed", app=app)
def tell_parents(pupil):
    return pupil


@flow_task("camp", after="tell_parents", app=app)
def pack_list(pupil):
    return pupil


@flow_task("camp", after="pay_deposit", app=app)
def stamp_card(pupil):
    return pupil
