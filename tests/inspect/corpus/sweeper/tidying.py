import os

from headrace_celery import flow_task

from app import app


@flow_task("tidying", app=app, entrypoint=True)
def tidy_up():
    for task_name in os.environ.get("TIDY", "").split(","):
        app.send_task(task_name)
    drop_cache.apply_async(link=[count_free.s()], link_error=call_admin.s())


@flow_task("tidying", after="tidy_up", app=app)
def drop_thumbnails():
    """Which of these run is a matter of the environment."""


@flow_task("tidying", after="drop_thumbnails", app=app)
def drop_originals(): ...


@flow_task("tidying", after="tidy_up", app=app)
def drop_cache():
    return 1


@flow_task("tidying", after="drop_cache", app=app)
def count_free(freed):
    print(freed)


@flow_task("tidying", after="drop_cache", app=app)
def call_admin(request, exc, traceback):
    print(exc)


@flow_task("tidying", after="drop_cache", app=app)
def compact():
    """Beat publishes it, on a day of its own."""


@flow_task("tidying", after="count_free", app=app)
def draw_chart(freed):
    print("#" * freed)
