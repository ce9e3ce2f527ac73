from headrace import step
from headrace_celery import flow_task


@step("posting", after="mention")
def notify(name):
    push_to_phone.delay(name)


@flow_task("posting", after="notify", rate_limit="10/s")
def push_to_phone(name):
    print("push", name)


@flow_task("posting", after="mention")
def index_post(pk):
    score = rank(pk)
    print(pk, score)


@step("posting", after="index_post")
def rank(pk):
    return pk % 7
