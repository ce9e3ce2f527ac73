from celery import group

from headrace import flow
from headrace_celery import flow_task

from .app import app

reports = flow("reports")


@flow_task("reports", entrypoint=True, app=app)
def monthly():
    marks = collect_marks()
    group([print_report.s(pupil) for pupil in marks])()


@reports.step(after="monthly")
def collect_marks():
    return ["ann", "bob"]


@flow_task("reports", after="collect_marks", app=app, ignore_result=True)
def print_report(pupil):
    file_report(pupil)
    if pupil == "ann":
        mail_report.delay(pupil)
    else:
        mail_report(pupil)


@reports.step(after="print_report")
def file_report(pupil):
    return pupil


@flow_task("reports", after="file_report", app=app)
def mail_report(pupil):
    return pupil

