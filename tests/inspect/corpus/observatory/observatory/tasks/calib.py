"""Calibration frames: each night the bias, each week the flat field."""

from celery import chain, chord
from celery.utils.log import get_task_logger

from headrace import step
from headrace_celery import flow_task

from .. import store
from ..app import app

log = get_task_logger(__name__)


@flow_task("calib", app=app, entrypoint=True)
def nightly_calib():
    workflow = take_bias.s()
    workflow |= combine.s()
    workflow |= store_master.s(kind="bias")
    # workflow |= take_dark.si()  # the camera is cooled now
    workflow.delay()


@flow_task("calib", app=app, entrypoint=True)
def weekly_calib():
    chain(take_flat.si(), combine.s(), store_master.s(kind="flat")).apply_async(priority=9)


@flow_task("calib", after=nightly_calib, app=app)
def take_bias():
    return [1, 2, 3]


@flow_task("calib", after="combine", app=app)
def take_flat():
    return [9, 9, 9]


@flow_task("calib", after=["take_bias", "weekly_calib"], app=app)
def combine(frames):
    return sum(frames) / len(frames)


@flow_task("calib", after=combine, app=app)
def store_master(level, kind):
    store.put(f"master/{kind}", level)
    app.send_task("observatory.purge", kwargs={"kind": kind}, queue="house")


@flow_task("calib", after=store_master, app=app)
def take_dark():
    return [0, 0, 0]


@flow_task("calib", after="store_master", app=app, name="observatory.purge")
def purge_old(kind):
    folders = store.listing(f"master/{kind}")
    chord((count_files.s(folder) for folder in folders), sum_files.s())()


@flow_task("calib", after=purge_old, app=app)
def count_files(folder):
    return len(store.listing(folder))


@flow_task("calib", after=count_files, app=app)
def sum_files(counts):
    log.info("%s files", sum(counts))
    if sum(counts) > 1_000_000:
        order_disks(counts)


@step("calib", after=["sum_files", "install_disks"])
def order_disks(counts):
    for folder, count in enumerate(counts):
        install_disks(folder, count)


@step("calib", after="order_disks")
def install_disks(folder, count):
    log.info("disks for %s: %s", folder, count)
