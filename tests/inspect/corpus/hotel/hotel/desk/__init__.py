from flask import Blueprint

bp = Blueprint("desk", __name__)

from . import cli, views  # noqa: E402
