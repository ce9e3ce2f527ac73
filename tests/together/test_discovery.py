"""`manage.py flows` and `flask flows` know the tasks of Celery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.celery.test_discovery import APP, EDGE, TASKS, run, write

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["headrace_django", "orders"]
MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"]
ROOT_URLCONF = "proj.urls"
USE_TZ = True
CELERY_BROKER_URL = "memory://"
"""
DJANGO_APP = """
import os
import headrace_celery
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proj.settings")
app = Celery("proj")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks({names})
headrace_celery.init_app(app)
"""


@pytest.mark.guarantee(79)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["list"], "orders: 2 steps, entrypoints: receive"),
        (["graph", "orders"], EDGE),
        (["check"], "no problems"),
        (["check", "orders"], "no problems"),
    ],
)
@pytest.mark.parametrize("imported", ["in the project", "nowhere"])
def test_manage_py_knows_the_tasks_of_each_app(
    tmp_path: Path, words: list[str], expected: str, imported: str
) -> None:
    """`manage.py flows` imports each app's `tasks`, whether the project imports Celery's app."""
    write(
        tmp_path,
        {
            "proj/settings.py": SETTINGS,
            "proj/urls.py": "urlpatterns = []",
            "proj/celery.py": DJANGO_APP.format(names=""),
            "orders/tasks.py": TASKS,
        },
    )
    if imported == "in the project":
        (tmp_path / "proj/__init__.py").write_text("from .celery import app")
    ran = run(tmp_path, "-m", "django", "flows", *words, DJANGO_SETTINGS_MODULE="proj.settings")
    assert ran.returncode == 0, ran.stderr
    assert expected in ran.stdout


@pytest.mark.guarantee(79)
@pytest.mark.parametrize("words", [["list"], ["graph", "orders"]])
def test_manage_py_knows_tasks_by_other_names(tmp_path: Path, words: list[str]) -> None:
    """Tasks that the project's Celery app finds outside `tasks` modules are found too."""
    write(
        tmp_path,
        {
            "proj/settings.py": SETTINGS,
            "proj/urls.py": "urlpatterns = []",
            "proj/celery.py": DJANGO_APP.format(names='related_name="jobs"'),
            "orders/jobs.py": TASKS,
        },
    )
    (tmp_path / "proj/__init__.py").write_text("from .celery import app")
    ran = run(tmp_path, "-m", "django", "flows", *words, DJANGO_SETTINGS_MODULE="proj.settings")
    assert ran.returncode == 0, ran.stderr
    assert "receive" in ran.stdout


@pytest.mark.guarantee(79)
@pytest.mark.parametrize("words", [["list"], ["graph", "orders"], ["check", "orders"]])
def test_flask_knows_the_tasks_of_its_celery_app(tmp_path: Path, words: list[str]) -> None:
    """`flask flows` imports what the Celery app that the application imports would import."""
    app = APP.format(options="", more='app.autodiscover_tasks(["shop.orders"])')
    web = """
from flask import Flask
from headrace_flask import Headrace
from shop import worker

web = Flask("web")
Headrace(web)
"""
    write(tmp_path, {"shop/worker.py": app, "shop/web.py": web, "shop/orders/tasks.py": TASKS})
    ran = run(tmp_path, "-m", "flask", "--app", "shop.web:web", "flows", *words)
    assert ran.returncode == 0, ran.stderr
    assert ("no problems" if "check" in words else "receive") in ran.stdout


@pytest.mark.guarantee(79)
@pytest.mark.parametrize("words", [["list"], ["check"], ["graph", "orders"]], ids=" ".join)
@pytest.mark.parametrize("command", ["django", "flask"])
def test_tasks_that_cannot_be_imported_are_reported(
    tmp_path: Path, command: str, words: list[str]
) -> None:
    """`manage.py flows` and `flask flows` end with the error and its place, on one line."""
    web = APP.format(options='include=["orders.tasks"]', more="from flask import Flask")
    web += "from headrace_flask import Headrace\nweb = Flask('web')\nHeadrace(web)\n"
    write(
        tmp_path,
        {
            "proj/settings.py": SETTINGS,
            "proj/urls.py": "urlpatterns = []",
            "orders/tasks.py": 'raise RuntimeError("no \\x1b[31mstock")',
            "shop/web.py": web,
        },
    )
    start = ["django"] if command == "django" else ["flask", "--app", "shop.web:web"]
    ran = run(tmp_path, "-m", *start, "flows", *words, DJANGO_SETTINGS_MODULE="proj.settings")
    assert ran.returncode != 0
    assert "orders/tasks.py:1" in ran.stderr
    assert "RuntimeError: no \\x1b[31mstock" in ran.stderr
    assert "Traceback" not in ran.stderr
