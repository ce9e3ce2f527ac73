"""Podcasts: signatures in variables, tasks by name, group and chord by the operators."""

from celery import chain, group, shared_task, signature

from headrace_celery import flow_task

from .app import app


@flow_task("podcast", app=app, entrypoint=True)
def ingest(url):
    first = normalise.s(url)
    second = transcribe.s().set(queue="slow")
    job = first | second
    job.apply_async(countdown=3)
    app.send_task("pipeline.audio.count_listeners", args=[url])


@flow_task("podcast", after="ingest", app=app)
def normalise(url):
    return url


@flow_task("podcast", after="normalise", app=app)
def transcribe(url):
    parts = [chapter.s(url, number) for number in range(3)]
    parts.append(jingle.s(url))
    (group(parts) | collect.s()).apply_async()
    return url


@flow_task("podcast", after="transcribe", app=app)
def chapter(url, number):
    return number


@flow_task("podcast", after="transcribe", app=app)
def jingle(url):
    return url


@flow_task("podcast", after=["chapter", "jingle"], app=app)
def collect(parts):
    follow_up = signature("pipeline.audio.notify_hosts", args=(parts,))
    follow_up.delay()
    return parts


@flow_task("podcast", after="collect", app=app)
def notify_hosts(parts):
    print("hosts", parts)


@flow_task("podcast", after="ingest", app=app, name="pipeline.audio.count_listeners")
def listeners(url):
    print("listeners", url)


@flow_task("podcast", after="notify_hosts", app=app, bind=True)
def translate(self, language):
    raise self.replace(chain(rough.s(language), polish.s()))


@flow_task("podcast", after="translate", app=app)
def rough(language):
    return language


@flow_task("podcast", after="rough", app=app)
def polish(language):
    return language


@shared_task
def request_translation(language):
    translate.s(language).delay()
