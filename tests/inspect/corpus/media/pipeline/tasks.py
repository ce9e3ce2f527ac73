from headrace_celery import flow_task

from .app import app


@flow_task("upload", after="accept", app=app, bind=True, max_retries=3)
def fetch(self, video_id):
    try:
        return download(video_id)
    except OSError as error:
        raise self.retry(exc=error, countdown=5)


def download(video_id):
    return f"/tmp/{video_id}"


@flow_task("upload", after="fetch", app=app)
def cut(path):
    return path


@flow_task("upload", after="cut", app=app)
def encode(path, height):
    return path


@flow_task("upload", after="encode", app=app)
def publish(video_id):
    announce.apply_async((video_id,), link=measure.s())


@flow_task("upload", after="publish", app=app)
def announce(video_id):
    print("new", video_id)
    return video_id


@flow_task("upload", after="announce", app=app)
def measure(video_id):
    print("measured", video_id)


@flow_task("upload", after="accept", app=app)
def give_up(request, exc, traceback, video_id):
    print("failed", video_id)


@flow_task("upload", after=["accept_poster"], app=app)
def check_rights(video_id):
    return video_id


@flow_task("upload", after="check_rights", app=app)
def make_poster(video_id):
    return video_id


@flow_task("upload", after="make_poster", app=app)
def watermark(video_id):
    return video_id


@flow_task("upload", after="accept_subtitles", app=app)
def subtitle(video_id, language):
    return language


@flow_task("upload", after="subtitle", app=app)
def tell_owner(video_id):
    print("subtitles are ready", video_id)


@flow_task("upload", after="plan_refund", app=app)
def refund(video_id):
    print("refund", video_id)
