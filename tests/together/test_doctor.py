"""`headrace doctor --app`, which imports an application and examines its live objects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

CONFIG = """
import logging.config
from headrace.logging import dict_config
logging.config.dictConfig(dict_config("json"))
"""
FLASK = f"""{CONFIG}
from flask import Flask
from headrace_flask import Headrace
app = Flask(__name__)
Headrace(app)
"""
FASTAPI = f"""{CONFIG}
from fastapi import FastAPI
from headrace_fastapi import FlowMiddleware, init_app
from starlette.middleware.gzip import GZipMiddleware
app = FastAPI()
init_app(app)
inner = FastAPI()
app.mount("/inner", inner)
"""
CELERY = f"""{CONFIG}
import headrace_celery
from celery import Celery
from celery.signals import setup_logging
app = Celery("shop")
headrace_celery.init_app(app)
@app.task
def send(): ...
@setup_logging.connect
def configure_logging(**_): ...
"""
DJANGO = """
import django
from django.conf import settings
from headrace.logging import dict_config
settings.configure(
    SECRET_KEY="hunter2",
    ROOT_URLCONF="shop",
    INSTALLED_APPS=["headrace_django"],
    MIDDLEWARE=["headrace_django.middleware.FlowMiddleware"],
    LOGGING=dict_config("json"),
)
django.setup()
urlpatterns = []
"""
APPLY = 'logging.config.dictConfig(dict_config("json"))'
BY_HAND = """logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"x": {"format": "%(flow_id)s %(message)s"}},
    "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "x"}},
    "root": {"handlers": ["h"]},
})"""


class Case(NamedTuple):
    """A program, and the kinds of what the doctor finds in it."""

    source: str
    found: list[str]


CASES = {
    "Flask": Case(FLASK, []),
    "Flask, an object without an application": Case(
        FLASK.replace("Headrace(app)", "app.ext = Headrace()"), ["flask-set-up", "flask-extension"]
    ),
    "Flask, inside other middleware": Case(
        FLASK + "from werkzeug.middleware.proxy_fix import ProxyFix\n"
        "app.wsgi_app = ProxyFix(app.wsgi_app)\n",
        [],
    ),
    "Flask, no handler": Case(FLASK.replace(APPLY, ""), ["log-set-up"]),
    "Flask, a handler without a filter": Case(FLASK.replace(APPLY, BY_HAND), ["log-filter"]),
    "Flask, a filter": Case(
        FLASK.replace(APPLY, BY_HAND) + "from headrace.logging import FlowFilter\n"
        "logging.root.handlers[0].addFilter(FlowFilter())\n",
        [],
    ),
    "Flask, basicConfig": Case(FLASK.replace(APPLY, "logging.basicConfig()"), ["log-format"]),
    "Flask, structlog": Case(
        FLASK
        + "import structlog\nstructlog.configure(processors=[structlog.dev.ConsoleRenderer()])\n",
        ["structlog"],
    ),
    "FastAPI": Case(FASTAPI, []),
    "FastAPI, no set-up": Case(FASTAPI.replace("init_app(app)", ""), ["fastapi-set-up"]),
    "FastAPI, in the wrong place": Case(
        FASTAPI.replace(
            "init_app(app)",
            "app.add_middleware(FlowMiddleware)\napp.add_middleware(GZipMiddleware)",
        ),
        ["middleware-order"],
    ),
    "Flask, other loggers are disabled": Case(
        FLASK.replace(
            APPLY,
            "CONFIG = dict_config('json')\nCONFIG['disable_existing_loggers'] = "
            "True\nlogging.config.dictConfig(CONFIG)",
        ),
        ["log-disabled"],
    ),
    "Flask, a misspelt option in a function": Case(
        FLASK + "def make():\n    Headrace(Flask('x'), trust_inbond=False)\n", ["option"]
    ),
    "Celery": Case(CELERY, []),
    "Celery, no set-up": Case(
        CELERY.replace("headrace_celery.init_app(app)", ""), ["celery-set-up"]
    ),
    "Celery, its own logging": Case(
        CELERY.replace("@setup_logging.connect", ""), ["celery-logging"]
    ),
    "Celery, a format with the ID": Case(
        CELERY.replace(
            "@setup_logging.connect",
            "app.conf.worker_log_format = app.conf.worker_task_log_format = '%(flow_id)s'",
        ),
        [],
    ),
    "Django": Case(DJANGO, []),
    "Django, no app": Case(DJANGO.replace('"headrace_django"]', "]"), ["django-app"]),
    "Django, no middleware": Case(
        DJANGO.replace('"headrace_django.middleware.FlowMiddleware"', ""), ["django-middleware"]
    ),
    "Django, its own logging": Case(
        DJANGO.replace('LOGGING=dict_config("json")', "DEBUG=False"), ["log-format", "log-format"]
    ),
}


def run_doctor(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`."""
    command = [sys.executable, "-m", "headrace", "doctor", *words]
    env = os.environ | {"PYTHONPATH": ""}
    return subprocess.run(
        command, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_running_application_is_examined(case: Case, tmp_path: Path) -> None:
    """Mistakes in a running application are found, none in a correct one; no value is printed."""
    (tmp_path / "shop.py").write_text(case.source)
    done = run_doctor(tmp_path, "--app", "shop:app", "--format", "json")
    assert [one["name"] for one in json.loads(done.stdout)["findings"]] == case.found, done.stdout
    assert done.returncode == (1 if case.found else 0)
    assert done.stderr == "headrace: importing shop:app, and examining the running application\n"
    assert "hunter2" not in done.stdout


MANAGE = f"""{DJANGO.replace('"shop"', "__name__")}
class Other:
    ...
from django.core.management import execute_from_command_line
execute_from_command_line()
"""
SECOND = MANAGE.replace("MIDDLEWARE=[", 'MIDDLEWARE=["__main__.Other", ')


def manage_doctor(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py flows doctor`` in `folder`, where `source` is its ``manage.py``."""
    (folder / "manage.py").write_text(source)
    command = [sys.executable, "manage.py", "flows", "doctor"]
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(("source", "status"), [(MANAGE, 0), (SECOND, 1)])
def test_manage_py_examines_live_settings(source: str, status: int, tmp_path: Path) -> None:
    """`manage.py flows doctor` reports on the settings in use; the status is 1 for findings."""
    done = manage_doctor(tmp_path, source)
    assert done.returncode == status, done.stderr
    assert ("django-middleware: FlowMiddleware is not first" in done.stdout) == bool(status)
    assert "Django (its settings)" in done.stdout


def test_manage_py_reports_an_invalid_setting(tmp_path: Path) -> None:
    """A setting with which no server starts is reported, with the nearest name; the status is 1."""
    misspelt = MANAGE.replace("MIDDLEWARE=[", 'HEADRACE={"EXCLUDE_PATH": []}, MIDDLEWARE=[', 1)
    done = manage_doctor(tmp_path, misspelt)
    assert done.returncode == 1, done.stderr
    assert "headrace.E002" in done.stderr
    assert "EXCLUDE_PATHS" in done.stderr
    assert "nothing is missing" not in done.stdout


def test_manage_py_examines_the_project_despite_a_warning(tmp_path: Path) -> None:
    """Django warns of a setting that has no effect, and the findings follow the warning."""
    flat = SECOND.replace("MIDDLEWARE=[", "HEADRACE_TRUST_INBOUND=False, MIDDLEWARE=[", 1)
    done = manage_doctor(tmp_path, flat)
    assert done.returncode == 1
    assert done.stderr.count("headrace.W002") == 1
    assert "django-middleware: FlowMiddleware is not first" in done.stdout


def test_application_that_cannot_be_imported_is_an_error(tmp_path: Path) -> None:
    """A module that raises on import leads to a message and status 2, without a traceback."""
    (tmp_path / "shop.py").write_text("import nowhere\n")
    done = run_doctor(tmp_path, "--app", "shop")
    assert done.returncode == 2
    assert "cannot import 'shop': ModuleNotFoundError" in done.stderr
    assert "Traceback" not in done.stderr


def test_module_without_an_application_is_an_error(tmp_path: Path) -> None:
    """A module that creates no application leads to a message and status 2."""
    (tmp_path / "shop.py").write_text(CONFIG)
    done = run_doctor(tmp_path, "--app", "shop")
    assert done.returncode == 2
    assert "there is no application" in done.stderr
