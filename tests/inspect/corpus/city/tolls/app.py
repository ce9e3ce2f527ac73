import requests
from flask import Blueprint, Flask

import settings
from headrace import step

bp = Blueprint("tolls", __name__)


@bp.get("/debts/<plate>")
@step("permit", after="reserve")
def check_debts(plate):
    return []


@bp.route("/accounts/<path:plate>", methods=["GET", "PUT"])
@step("permit", after=["check_debts", "free"])
def open_account(plate):
    requests.post(f"{settings.PORTAL}/permits/{plate}/print", timeout=5)
    return {}


def create_app():
    app = Flask(__name__)
    app.register_blueprint(bp)
    return app
