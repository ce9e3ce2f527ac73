import json

from flask import Blueprint, request

from .tasks.alerts import alerts, classify, dead_letter, route

bp = Blueprint("alerts", __name__)


@bp.post("/alerts")
@alerts.entrypoint
def receive_alert():
    payload = parse_alert(request.get_data())
    (classify.s(payload) | route.s()).apply_async(countdown=5, link_error=dead_letter.s())
    return "", 202


@alerts.step(after=receive_alert)
def parse_alert(body):
    payload = json.loads(body)
    return {"distance": 0.0, **payload}
