"""How a night goes through the tasks."""

from celery import chain, chord, group

from headrace import entrypoint, step

from . import store, tasks
from .tasks.night import alert_operator


@entrypoint("night")
def start_night(night_id):
    frames = list_frames(night_id)
    header = group(tasks.calibrate.s(frame) for frame in frames)
    workflow = chain(
        tasks.fetch_night.si(night_id),
        chord(header, tasks.stack.s(night_id=night_id)),
        tasks.detect_sources.s() | tasks.match_catalog.s("gaia"),
        tasks.publish_night.si(night_id).set(queue="slow"),
    )
    workflow.link_error(alert_operator.s(night_id))
    result = workflow.apply_async(link=tasks.archive_night.si(night_id))
    record_run(night_id, result.id)
    return result


@step("night", after="start_night")
def list_frames(night_id):
    return store.listing(night_id)


@step("night", after=list_frames)
def record_run(night_id, task_id):
    store.put(f"runs/{night_id}", task_id)
