import logging

from headrace import step
from headrace_celery import flow_task

from ..app import app

log = logging.getLogger(__name__)


@flow_task("night", after="list_frames", app=app, max_retries=5)
def fetch_night(night_id):
    log.info("fetch %s", night_id)


@flow_task("night", after="fetch_night", app=app, bind=True)
def calibrate(self, frame):
    try:
        return {"frame": frame, "level": 100}
    except OSError as error:
        raise self.retry(exc=error, countdown=60) from error


@flow_task("night", after="calibrate", app=app)
def stack(frames, night_id):
    return {"night": night_id, "frames": len(frames)}


@flow_task("night", after="stack", app=app)
def detect_sources(image):
    sources = [1, 2, 3]
    write_report(image, sources)
    return sources


# Was the last step once; the report is written as soon as there is something to tell.
@step("night", after="publish_night")
def write_report(image, sources):
    log.info("%s: %s sources", image["night"], len(sources))


@flow_task("night", after="detect_sources", app=app)
def match_catalog(sources, catalog):
    found = []
    for begin in range(0, len(sources), 100):
        found += crossmatch(sources[begin : begin + 100], catalog)
    return found


@flow_task("night", after=match_catalog, app=app)
def crossmatch(sources, catalog):
    """Run in place, since a task must not wait for another."""
    return [(source, catalog) for source in sources]


@flow_task("night", after="match_catalog", app=app)
def publish_night(night_id):
    log.info("publish %s", night_id)
    notify_team.delay(night_id)


@app.task(queue="mail")
@step("night", after="publish_night")
def notify_team(night_id):
    log.info("mail about %s", night_id)


@flow_task("night", after="publish_night", app=app)
def archive_night(night_id):
    log.info("archive %s", night_id)


@flow_task("night", after="archive_night", app=app)
def erase_raw(night_id):
    """Disks are cheap."""


@flow_task("night", after="start_night", app=app)
def alert_operator(request, exc, traceback, night_id):
    log.error("%s failed: %s", night_id, exc)
