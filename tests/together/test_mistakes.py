"""Fifteen typical mistakes in each framework: none is silent, and each message says what to do.

Each mistake is run, and its source is read by `headrace doctor`. The expected words are in the
error, in a line of the log, in a system check, or in a finding of the doctor.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import signals
from django.core.checks import run_checks
from django.test import override_settings

from headrace._doctor.examine import examine
from headrace._doctor.findings import as_text
from headrace.logging import uninstall
from tests.celery.conftest import celery_as_before

__all__ = ["celery_as_before"]

FLASK = "from flask import Flask\nfrom headrace_flask import Headrace\napp = Flask('shop')\n"
IN_FLASK = {
    "no set-up": ("", r"not set up on the Flask application[\s\S]*Headrace\(app\)"),
    "an object without an application": (
        "headrace = Headrace()",
        r"init_app\(\) is never called[\s\S]*headrace.init_app\(app\)",
    ),
    "init_app on the class": ("Headrace.init_app(app)", r"not on an object[\s\S]*Headrace\(\)"),
    "the name instead of the application": ("Headrace(__name__)", "takes a Flask application"),
    "a misspelt option": ("Headrace(app, trust_inbond=False)", "did you mean 'trust_inbound'"),
    "a misspelt setting": (
        "app.config['HEADRACE_EXCLUDE_PATH'] = ['/health']\nHeadrace(app)",
        "did you mean 'HEADRACE_EXCLUDE_PATHS'",
    ),
    "one dict, as in Django": (
        "app.config['HEADRACE'] = {'STRICT': True}\nHeadrace(app)",
        "the settings are HEADRACE_BACKEND, ",
    ),
    "a string instead of a list": (
        "Headrace(app, exclude_paths='/health')",
        "exclude_paths must be a list of strings",
    ),
    "a path without a slash": (
        "Headrace(app, exclude_paths=['health'])",
        "a path must start with '/'",
    ),
    "every path is excluded": ("Headrace(app, exclude_paths=['/*'])", "exclude single paths"),
    "a header as in the environ": (
        "Headrace(app, request_headers=['HTTP_X_REQUEST_ID'])",
        "spelt with hyphens",
    ),
    "a setting after the extension": (
        "Headrace(app)\napp.config['HEADRACE_EXPOSE_HEADER'] = True\napp.test_client().get('/')",
        "HEADRACE_EXPOSE_HEADER, set after Headrace.app.; load the configuration before",
    ),
    "called twice with other options": (
        "Headrace(app)\nHeadrace(app, commands=True)",
        "call it once, with all options",
    ),
    "after the first request": (
        "app.test_client().get('/')\nHeadrace(app)",
        r"too late: .* call Headrace\(app\) where the application is created",
    ),
    "middleware for ASGI": (
        "from headrace.asgi import FlowMiddleware\napp.wsgi_app = FlowMiddleware(app.wsgi_app)",
        r"for the other protocol[\s\S]*from headrace.wsgi import",
    ),
    "a step above the route": (
        (
            "Headrace(app)\nfrom headrace import step\n@step('shop.mistakes')\n@app.route('/')\n"
            "def view(): return ''\napp.test_client().get('/')"
        ),
        "put @step below .*route.*nearest to the `def`",
    ),
    "a format without a filter": (
        (
            "import logging\nHeadrace(app)\ndef configure():\n"
            "    logging.basicConfig(format='%(flow_id)s %(message)s')"
        ),
        r"has no FlowFilter[\s\S]*addFilter\(FlowFilter\(\)\)",
    ),
    "the wrapped application is discarded": (
        "from headrace.wsgi import FlowMiddleware\nFlowMiddleware(app.wsgi_app)",
        "discarded; assign it",
    ),
}

FASTAPI = (
    "from fastapi import FastAPI\nfrom headrace_fastapi import FlowMiddleware, init_app\n"
    "from starlette.middleware.gzip import GZipMiddleware\n"
    "from starlette.testclient import TestClient\napp = FastAPI()\n"
)
IN_FASTAPI = {
    "no set-up": ("", r"not set up on the FastAPI application[\s\S]*init_app\(app\)"),
    "a router instead of the application": (
        "from fastapi import APIRouter\ninit_app(APIRouter())",
        "takes a FastAPI or Starlette application",
    ),
    "an application in middleware": (
        "init_app(GZipMiddleware(app))",
        r"wrap any other ASGI application in headrace.asgi.FlowMiddleware\(app\)",
    ),
    "a misspelt option": ("init_app(app, on_invald='reject')", "did you mean 'on_invalid'"),
    "an option of configure": ("init_app(app, backend='otel')", "option of headrace.configure()"),
    "a string instead of a list": ("init_app(app, request_headers='X-Id')", "a list of strings"),
    "an asynchronous validator": (
        "async def valid(one): return True\ninit_app(app, validator=valid)",
        "must be a plain function",
    ),
    "a header with a space": ("init_app(app, response_header='X Id')", "write one such as"),
    "added first, so inside": (
        "app.add_middleware(FlowMiddleware)\napp.add_middleware(GZipMiddleware)",
        r"added later is outside FlowMiddleware[\s\S]*init_app\(app\)",
    ),
    "called twice with other options": (
        "init_app(app)\ninit_app(app, expose_header=True)",
        "call it once, with all options",
    ),
    "after the application has started": (
        "TestClient(app).get('/')\ninit_app(app)",
        "called too late: .* where the application is created",
    ),
    "in a start-up hook": (
        "@app.on_event('startup')\ndef start():\n    init_app(app)",
        "move it to where the application is created",
    ),
    "middleware for WSGI": (
        "from headrace.wsgi import FlowMiddleware as W\napp.add_middleware(W)",
        r"WSGI middleware is added to an ASGI application[\s\S]*init_app\(app\)",
    ),
    "a step above the route": (
        (
            "init_app(app)\nfrom headrace import step\n@step('shop.mistakes')\n@app.get('/')\n"
            "def view(): return ''\nTestClient(app).get('/')"
        ),
        "put @step below .*route.*nearest to the `def`",
    ),
    "the wrapped application is discarded": (
        "from headrace.asgi import FlowMiddleware as Outer\nOuter(app)",
        "discarded; assign it",
    ),
    "an unknown backend": (
        "import headrace\ninit_app(app)\nheadrace.configure('opentelemetry')",
        "unknown backend",
    ),
}

CELERY = (
    "from celery import Celery\nimport headrace_celery\n"
    "from headrace_celery import chain_task, flow_task\n"
    "app = Celery('shop', broker='memory://', set_as_current=False)\n"
)
INIT = "headrace_celery.init_app(app)\n"
TASK = "@app.task(name='send')\ndef send(): ...\n"
IN_CELERY = {
    "no set-up": (
        "@flow_task(app=app)\ndef a(): ...\nstart(app)",
        "init_app.app. was not called in this worker.*call it in the module that creates the app",
    ),
    "the module instead of the app": (
        "import headrace_celery\nheadrace_celery.init_app(headrace_celery)",
        "takes a Celery app",
    ),
    "a misspelt option": (
        "headrace_celery.init_app(app, accept_deadlines=True)",
        "did you mean 'accept_deadline'",
    ),
    "a number instead of a flag": (
        "headrace_celery.init_app(app, accept_deadline=30)",
        "must be True or False",
    ),
    "called twice with other options": (
        f"{INIT}headrace_celery.init_app(app, accept_deadline=True)",
        "call it once, with all options",
    ),
    "set-up in the workers' processes only": (
        (
            "from celery.signals import worker_process_init\n"
            f"@worker_process_init.connect\ndef prepare(**_):\n    {INIT}"
        ),
        "move it to where the application is created",
    ),
    "set-up under __main__": (
        f"if __name__ == '__main__':\n    {INIT}",
        "worker that imports the module does not run it",
    ),
    "Celery's own logging": (f"{INIT}{TASK}", r"shows no ID; connect a receiver of setup_logging"),
    "a receiver in a function": (
        (
            f"{INIT}from celery.signals import setup_logging\ndef connect():\n"
            "    @setup_logging.connect\n    def configure(**_): ...\nconnect()"
        ),
        r"holds the receiver of setup_logging weakly[\s\S]*weak=False",
    ),
    "an option of a task in apply_async": (
        f"{INIT}{TASK}send.apply_async(headrace_new=True)",
        r"publish inside headrace.detached\(\)",
    ),
    "a misspelt option of ours on a task": (
        f"{INIT}@app.task(headrace_nwe=True)\ndef a(): ...\nstart(app)",
        "did you mean 'headrace_new'",
    ),
    "a misspelt option of Celery on a task": (
        f"{INIT}@app.task(max_retires=3)\ndef a(): ...\nstart(app)",
        "did you mean 'max_retries'",
    ),
    "a misspelt option in apply_async": (
        f"{INIT}{TASK}app.conf.task_always_eager = True\nsend.apply_async(countdwn=5)",
        "no option 'countdwn', so it has no effect; did you mean 'countdown'",
    ),
    "a misspelt option of a step": (
        "@flow_task('shop.mistakes', app=app, entry_point=True)\ndef a(): ...",
        "did you mean 'entrypoint'",
    ),
    "a step without a flow": ("@flow_task(app=app, after='a')\ndef b(): ...", "need a flow"),
    "a misspelt option of a chain": (
        "from headrace import Chain\nchain_task(app, Chain('a').next(int, out='b'), return_=['b'])",
        "did you mean 'returns'",
    ),
    "a value that a chain lacks": (
        "from headrace import Chain\nchain_task(app, Chain('a').next(int, out='b'), returns=['c'])",
        "no value 'c' to return",
    ),
    "a step above the task": (
        f"{INIT}from headrace import step\n@step('shop.mistakes')\n@app.task\ndef a(): ...",
        "must be a function, .* nearest to the `def`, below the other decorators",
    ),
}

DJANGO = {
    "SECRET_KEY": "x",
    "INSTALLED_APPS": ["headrace_django"],
    "MIDDLEWARE": ["headrace_django.middleware.FlowMiddleware"],
    "ROOT_URLCONF": "shop.urls",
}
OTHER = "django.middleware.common.CommonMiddleware"
OURS = "headrace_django.middleware.FlowMiddleware"
IN_DJANGO = {
    "no app": ({"INSTALLED_APPS": ["django.contrib.sites"]}, "INSTALLED_APPS does not list"),
    "the name of the distribution": (
        {"INSTALLED_APPS": ["headrace-django"]},
        r"not its app[\s\S]*headrace_django",
    ),
    "no middleware": ({"MIDDLEWARE": [OTHER]}, "Put .* first in MIDDLEWARE"),
    "the middleware is second": ({"MIDDLEWARE": [OTHER, OURS]}, "at position 2 .*[\\s\\S]*first"),
    "the middleware is listed twice": ({"MIDDLEWARE": [OURS, OURS]}, "Remove the others"),
    "a path that does not exist": (
        {"MIDDLEWARE": ["headrace_django.FlowMiddlewares"]},
        r"starts with 'headrace' is not its middleware[\s\S]*# first",
    ),
    "the setting is a list": ({"HEADRACE": ["STRICT"]}, r"must be a dict[\s\S]*Write HEADRACE ="),
    "a misspelt setting": ({"HEADRACE": {"TRUST_INBOND": 1}}, "did you mean 'TRUST_INBOUND'"),
    "a setting in lower case": ({"HEADRACE": {"strict": True}}, "did you mean 'STRICT'"),
    "settings in Flask's spelling": ({"HEADRACE_STRICT": True}, r'Write HEADRACE = {"STRICT"'),
    "a value of the wrong type": ({"HEADRACE": {"STRICT": "no"}}, "must be True or False"),
    "a string instead of a list": (
        {"HEADRACE": {"EXCLUDE_PATHS": "/health"}},
        "must be a list of strings",
    ),
    "a path to nothing": (
        {"HEADRACE": {"VALIDATOR": "shop.nowhere"}},
        "Write the dotted path of an object",
    ),
    "a factory that makes no ID": (
        {"HEADRACE": {"ID_FACTORY": "builtins.object"}},
        "Use a function that returns a UUID",
    ),
    "a header as in request.META": (
        {"HEADRACE": {"REQUEST_HEADERS": ["HTTP_X_REQUEST_ID"]}},
        "spelt with hyphens",
    ),
    "other loggers are disabled": (
        {"LOGGING": {"version": 1, "disable_existing_loggers": True, "handlers": {}}},
        r'silences headrace\'s loggers[\s\S]*"disable_existing_loggers": False',
    ),
}


@pytest.fixture(autouse=True)
def as_before(celery_as_before: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every warning is new, and the log records are as before the mistake."""
    monkeypatch.setattr("headrace_celery._log._warned", set())
    yield
    uninstall()


def start(app: Any) -> None:
    """Send what a worker of `app` sends when it starts."""
    worker = SimpleNamespace(app=app, time_limit=None)
    signals.celeryd_after_setup.send(sender="w", instance=worker, conf=app.conf)


def said(source: str, folder: Path, log: pytest.LogCaptureFixture) -> str:
    """Return what a program, its log and the doctor say."""
    (folder / "shop.py").write_text(source)
    lines = []
    try:
        exec(compile(source, "shop.py", "exec"), {"__name__": "shop", "start": start})
    except (TypeError, ValueError, RuntimeError) as error:
        lines.append(str(error))
    lines += [one.getMessage() for one in log.records if one.levelno >= logging.WARNING]
    return "\n".join([*lines, as_text(examine(folder))])


MISTAKES = {
    f"{framework}: {title}": (head + source, message)
    for framework, head, table in (
        ("Flask", FLASK, IN_FLASK),
        ("FastAPI", FASTAPI, IN_FASTAPI),
        ("Celery", CELERY, IN_CELERY),
    )
    for title, (source, message) in table.items()
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("source", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_answered(
    source: str, message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The error, the log or the doctor says what is wrong and what to do."""
    found = said(source, tmp_path, caplog)
    assert re.search(message, found), found


@pytest.mark.filterwarnings("ignore:Overriding setting")
@pytest.mark.parametrize(("settings", "message"), IN_DJANGO.values(), ids=IN_DJANGO)
def test_mistake_in_django_is_answered(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """A system check or the doctor says what is wrong and what to do."""
    text = "\n".join(f"{name} = {value!r}" for name, value in {**DJANGO, **settings}.items())
    (tmp_path / "settings.py").write_text(text)
    lines = [as_text(examine(tmp_path))]
    kept = {name: value for name, value in settings.items() if name != "LOGGING"}
    if "INSTALLED_APPS" not in kept:
        with override_settings(**kept):
            lines += [f"{one.msg}\n{one.hint}" for one in run_checks()]
    assert re.search(message, "\n".join(lines)), lines
