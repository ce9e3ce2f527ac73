from celery import Task, chain, chord, shared_task

from headrace import flow
from headrace_celery import flow_task

photos = flow("photos")


class ReportingTask(Task):
    abstract = True

    @photos.step(after="gallery")
    def on_failure(self, exc, task_id, args, kwargs, einfo):
        print("failed", task_id)


@photos.entrypoint
def upload(paths, tags=()):
    header = []
    for path in paths:
        header.append(resize.s(path))
    chord(header)(gallery.s())
    if tags:
        tag.apply_async(kwargs={"paths": paths}, queue="slow")


@flow_task("photos", after="upload")
def resize(path):
    return path


@flow_task("photos", after="resize", base=ReportingTask)
def gallery(paths):
    return paths


@flow_task("photos", after="upload", bind=True)
def tag(self, paths):
    raise self.replace(chain(recognise.s(paths), caption.s()))


@flow_task("photos", after="tag")
def recognise(paths):
    return paths


@flow_task("photos", after="recognise")
def caption(labels):
    return labels


@flow_task("photos", after="caption")
def withdraw(path):
    print("withdrawn", path)


@shared_task
def clean_up():
    print("clean")
