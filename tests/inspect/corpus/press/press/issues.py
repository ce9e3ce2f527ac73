from celery import group

from headrace import entrypoint, step
from headrace_celery import flow_task

from .celery import app
from .names import DELIVER, FLOW


@entrypoint(FLOW)
def plan_issue(number, pages):
    pipeline = collect_articles.s(number)
    pipeline = pipeline | lay_out.s(pages=pages)
    sheets = group(print_sheet.si(number, page) for page in range(pages))
    (pipeline | sheets | bind_issue.si(number)).apply_async()


@flow_task(FLOW, after=plan_issue, app=app)
def collect_articles(number):
    return [number]


@flow_task(FLOW, after=collect_articles, app=app)
def lay_out(articles, pages):
    return pages


@flow_task(FLOW, after=lay_out, app=app, autoretry_for=(OSError,), retry_backoff=True)
def print_sheet(number, page):
    return number, page


@flow_task(FLOW, after=print_sheet, app=app)
def bind_issue(number):
    app.send_task(
        DELIVER,
        args=[number],
        link=count_copies.si(number),
        link_error=[complain.s()],
    )


@flow_task(FLOW, after=bind_issue, app=app, name=DELIVER)
def deliver(number):
    return number


@flow_task(FLOW, after=deliver, app=app)
def count_copies(number):
    bill_reader(number)


@flow_task(FLOW, after=deliver, app=app)
def complain(request, exc, traceback):
    print(request.id, exc)


@step(FLOW, after=[count_copies, complain])
def bill_reader(number):
    print("bill", number)
