from celery import group

from headrace import flow
from headrace_celery import flow_task

from ..app import app

alerts = flow("alerts")


@flow_task("alerts", after="parse_alert", app=app)
def classify(payload):
    payload["score"] = score(payload)
    return payload


@alerts.step(after="classfy")
def score(payload):
    return 1 / (1 + payload["distance"])


@flow_task("alerts", after=classify, app=app, bind=True)
def route(self, payload):
    if payload["score"] > 0.9:
        raise self.replace(
            group(page_astronomer.s(payload), slew_telescope.s(payload, force=True))
        )
    log_alert(payload)


@flow_task("alerts", after=["route"], app=app)
def page_astronomer(payload):
    escalate.apply_async((payload,), countdown=600)


@flow_task("alerts", after=["route", "page_astronomer"], app=app)
def slew_telescope(payload, force=False):
    return payload["ra"], payload["dec"]


@alerts.step(after=["route", "page_astronomer"])
def log_alert(payload):
    print(payload)


@flow_task("alerts", after="page_astronomer", app=app)
def escalate(payload):
    action = "close" if payload.get("seen") else payload.get("action", "forward")
    app.send_task(f"alerts.{action}", args=[payload])


@flow_task("alerts", after="escalate", app=app, name="alerts.close")
def close_alert(payload): ...


@flow_task("alerts", after="classify", app=app)
def dead_letter(request, exc, traceback):
    print("dead", request.id)
