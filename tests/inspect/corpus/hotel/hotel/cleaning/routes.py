from flask import Blueprint

from hotel.cleaning import Cleaning, SuiteCleaning

bp = Blueprint("cleaning", __name__)


@bp.post("/rooms/<int:room>")
def clean(room):
    Cleaning(room).start()
    return "", 204


@bp.post("/suites/<int:room>")
def clean_suite(room):
    SuiteCleaning(room).start()
    return "", 204
