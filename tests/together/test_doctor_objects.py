"""What `headrace doctor --app` says of live objects, in the process of the tests.

The same is tested through the command, in processes of their own, in `test_doctor.py`.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from headrace._cli.doctor import run_doctor
from headrace._doctor import living
from headrace._doctor.living import examine_django_settings, examine_living
from headrace._doctor.living_logs import examine_handlers
from headrace.logging import FlowFilter

FLASK = "from flask import Flask\nfrom headrace_flask import Headrace\napp = Flask(__name__)\n"
FASTAPI = (
    "from fastapi import FastAPI\nfrom headrace_fastapi import FlowMiddleware, init_app\n"
    "from starlette.middleware.gzip import GZipMiddleware\napp = FastAPI()\n"
)
MOUNTED = "init_app(app)\ninner = FastAPI()\napp.mount('/inner', inner)\n"
LISTED = "app.add_middleware(FlowMiddleware)\napp.add_middleware(GZipMiddleware)\n"
CORS = "from fastapi.middleware.cors import CORSMiddleware\n"
REJECTS = f"{CORS}app.add_middleware(FlowMiddleware, on_invalid='reject')\n"
OURS = "headrace_django.middleware.FlowMiddleware"
OTHER = "django.middleware.common.CommonMiddleware"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules can be imported, in a process that has not set up Django."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(living, "django_settings", lambda: None)
    return tmp_path


def load(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import `source` as a module of `folder`, which is forgotten at the end of the test."""
    name = f"shop_{len(sys.modules)}"
    (folder / f"{name}.py").write_text(source)
    importlib.invalidate_caches()
    monkeypatch.setitem(sys.modules, name, importlib.import_module(name))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (FLASK, ["flask-set-up"]),
        (FLASK + "Headrace(app)\n", []),
        (FASTAPI, ["fastapi-set-up"]),
        (FASTAPI + MOUNTED, []),
        (FASTAPI + LISTED, ["middleware-order"]),
        (FASTAPI + REJECTS + "app.add_middleware(CORSMiddleware)\n", []),
    ],
)
def test_application_without_set_up_is_found(
    folder: Path, source: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application lacks its set-up or the right order; a mounted one needs none of its own."""
    load(folder, source, monkeypatch)
    report = examine_living(folder)
    assert [one.name for one in report.findings if not one.name.startswith("log-")] == found
    assert report.seen[0].startswith(("Flask (shop_", "FastAPI (shop_"))
    assert report.problems == []


def test_folder_without_an_application_is_a_problem(folder: Path) -> None:
    """The status is 2, and the message says what to name."""
    out, err = io.StringIO(), io.StringIO()
    report = examine_living(folder)
    assert report.exit_status() == 2
    assert "there is no application" in report.problems[0]
    assert run_doctor(format="json", out=out, err=err) in {0, 1, 2}
    assert "findings" in json.loads(out.getvalue())


@pytest.mark.parametrize(
    ("formats", "found"),
    [
        (("%(message)s", "%(message)s"), ["celery-logging"]),
        (("%(flow_id)s", "%(message)s"), ["celery-logging"]),
        (("%(flow_id)s", "%(flow_id)s"), []),
    ],
)
def test_formats_of_celery_show_the_id(
    formats: tuple[str, str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both formats of a worker that configures logging itself name the ID."""
    app = Celery("shop", set_as_current=False)

    @app.task(name="send", shared=False)
    def send() -> None: ...

    app.conf.worker_log_format, app.conf.worker_task_log_format = formats
    monkeypatch.setattr(living, "_receivers", lambda signal: [])
    assert [one.name for one in living._celery_logging(app)] == found
    assert living.kind_of(app).title == "Celery"


@pytest.mark.parametrize(
    ("middleware", "message"),
    [
        ([], "does not list FlowMiddleware"),
        ([OTHER, OURS], "is not first"),
        ([OURS, OURS], "more than once"),
        (["opentelemetry.middleware.Any", OURS, OTHER], ""),
    ],
)
def test_middleware_of_django_is_first_and_once(middleware: list[str], message: str) -> None:
    """The place of the middleware in the settings in use is examined."""
    found = examine_django_settings(SimpleNamespace(MIDDLEWARE=middleware))
    messages = [one.message for one in found if one.name == "django-middleware"]
    assert [message in one for one in messages] == ([True] if message else [])


@pytest.mark.parametrize(
    ("format", "has_filter", "found"),
    [
        ("%(message)s", True, ["log-format"]),
        ("%(flow_id)s", False, ["log-filter"]),
        ("%(flow_id)s", True, []),
        ("%(nothing)s", True, ["log-format"]),
    ],
)
def test_handler_shows_the_id(format: str, has_filter: bool, found: list[str]) -> None:
    """A handler's format names the ID, and its filter provides it; nothing is written."""
    written = io.StringIO()
    handler: Any = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter(format))
    handler.addFilter(lambda record: record.nothing)
    if has_filter:
        handler.addFilter(FlowFilter())
    logger = logging.getLogger("shop.examined")
    logger.addHandler(handler)
    try:
        findings = [one for one in examine_handlers() if "'shop.examined'" in one.message]
    finally:
        logger.removeHandler(handler)
    assert [one.name for one in findings] == found
    assert written.getvalue() == ""


def test_structlog_without_our_processor_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its processors do not include ours."""
    stub = SimpleNamespace(is_configured=lambda: True, get_config=lambda: {"processors": [print]})
    monkeypatch.setitem(sys.modules, "structlog", stub)
    assert "structlog" in [one.name for one in examine_handlers()]
