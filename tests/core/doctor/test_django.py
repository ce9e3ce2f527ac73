"""`headrace doctor` on Django's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.doctor_kit import Mistake, check_mistake, examined, write_project

RIGHT = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'proj.settings')\n",
    "proj/__init__.py": "from .celery import app as celery_app\n",
    "proj/settings.py": """\
SECRET_KEY = "hunter2"
INSTALLED_APPS = [
    "headrace_django",
    "django.contrib.contenttypes",
]
MIDDLEWARE = [
    "headrace_django.middleware.FlowMiddleware",
    "django.middleware.security.SecurityMiddleware",
]
ROOT_URLCONF = "proj.urls"
HEADRACE = {"EXCLUDE_PATHS": ["/health"], "REQUEST_HEADERS": ["X-Request-ID"]}
TASKS = {
    "default": {
        "BACKEND": "headrace_django.tasks.FlowBackend",
        "WRAPS": "django_tasks_db.DatabaseBackend",
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"flow": {"()": "headrace.logging.FlowFilter"}},
    "formatters": {
        "verbose": {"format": "%(asctime)s %(flow_id)s %(message)s"},
        "json": {"()": "headrace.logging.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "verbose", "filters": ["flow"]},
        "file": {"class": "logging.FileHandler", "filename": "x.log", "formatter": "json"},
        "mail": {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR"},
    },
    "loggers": {"django": {"handlers": ["mail"]}},
    "root": {"handlers": ["console", "file"], "level": "INFO"},
}
""",
    "proj/celery.py": """\
import logging.config
import headrace_celery
from celery import Celery
from celery.signals import setup_logging

app = Celery("proj")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
headrace_celery.init_app(app)


@setup_logging.connect
def configure_logging(**_):
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
""",
    "shop/views.py": "import logging\n\nlog = logging.getLogger(__name__)\n",
    "tests/settings.py": "INSTALLED_APPS = ['django.x']\nMIDDLEWARE = ['django.y']\n",
    "scripts/report.py": "import logging\n\nlogging.basicConfig(format='%(message)s')\n",
}
SETTINGS = "proj/settings.py"
FIRST = '    "headrace_django.middleware.FlowMiddleware",\n'
SECOND = '    "django.middleware.security.SecurityMiddleware",\n'
CONSOLE = '"formatter": "verbose", "filters": ["flow"]'
MISTAKES = [
    Mistake("no app", SETTINGS, '    "headrace_django",\n', "", "django-app", "INSTALLED_APPS"),
    Mistake(
        "the name of the distribution",
        *(SETTINGS, '    "headrace_django",', '    "headrace-django",'),
        *("django-app", '"headrace-django"'),
    ),
    Mistake("no middleware", SETTINGS, FIRST, "", "django-middleware", "MIDDLEWARE"),
    Mistake(
        "the path of a middleware that does not exist",
        *(SETTINGS, "headrace_django.middleware.FlowMiddleware", "headrace_django.FlowMiddleware"),
        *("django-middleware", '"headrace_django.FlowMiddleware"'),
    ),
    Mistake(
        "the middleware is second",
        *(SETTINGS, FIRST + SECOND, SECOND + FIRST),
        *("django-middleware", '"headrace_django.middleware'),
    ),
    Mistake(
        "the middleware is listed twice",
        *(SETTINGS, FIRST, FIRST + FIRST),
        *("django-middleware", '"headrace_django.middleware'),
    ),
    Mistake(
        "settings in Flask's spelling",
        *(SETTINGS, "HEADRACE =", "HEADRACE_STRICT = True\nHEADRACE ="),
        *("django-setting", "HEADRACE_STRICT"),
    ),
    Mistake(
        "the setting is a list",
        SETTINGS,
        'HEADRACE = {"EXCLUDE_PATHS": ["/health"], "REQUEST_HEADERS": ["X-Request-ID"]}',
        'HEADRACE = [("EXCLUDE_PATHS", ["/health"])]',
        "django-setting",
        "HEADRACE",
    ),
    Mistake(
        "every path is excluded",
        *(SETTINGS, '"/health"', '"/*"'),
        *("excluded-paths", "HEADRACE"),
    ),
    Mistake(
        "a header as in request.META",
        *(SETTINGS, '"X-Request-ID"', '"HTTP_X_REQUEST_ID"'),
        *("header-name", "HEADRACE"),
    ),
    Mistake(
        "a misspelt name",
        *(SETTINGS, "EXCLUDE_PATHS", "EXCLUDED_PATHS"),
        *("option", "HEADRACE"),
    ),
    Mistake(
        "a value of the wrong type",
        *(SETTINGS, '["X-Request-ID"]', '"X-Request-ID"'),
        *("option", "HEADRACE"),
    ),
    Mistake(
        "other loggers are disabled",
        *(SETTINGS, '"disable_existing_loggers": False', '"disable_existing_loggers": True'),
        *("log-disabled", '"version"'),
    ),
    Mistake(
        "a backend of tasks that is not wrapped",
        *(SETTINGS, "headrace_django.tasks.FlowBackend", "django_tasks_db.DatabaseBackend"),
        *("django-tasks", '"BACKEND"'),
    ),
    Mistake(
        "a format without the ID",
        *(SETTINGS, "%(asctime)s %(flow_id)s ", "%(asctime)s "),
        *("log-format", '"verbose"'),
    ),
    Mistake(
        "a format with the ID, and no filter",
        *(SETTINGS, CONSOLE, '"formatter": "verbose"'),
        *("log-filter", '"console"'),
    ),
    Mistake(
        "a handler without a formatter",
        *(SETTINGS, CONSOLE, '"filters": ["flow"]'),
        *("log-format", '"console"'),
    ),
    Mistake(
        "the filter is on a logger",
        *(SETTINGS, '{"handlers": ["mail"]}', '{"handlers": ["mail"], "filters": ["flow"]}'),
        *("filter-on-logger", '"loggers"'),
    ),
    Mistake(
        "another library's JSON formatter without the filter",
        SETTINGS,
        '"headrace.logging.JsonFormatter"',
        '"pythonjsonlogger.json.JsonFormatter"',
        "log-filter",
        '"file"',
    ),
    Mistake(
        "Celery without init_app",
        *("proj/celery.py", "headrace_celery.init_app(app)\n", ""),
        *("celery-set-up", "app = Celery"),
    ),
    Mistake(
        "Celery's own logging in the worker",
        *("proj/celery.py", "@setup_logging.connect\n", ""),
        *("celery-logging", "app = Celery"),
    ),
    Mistake(
        "the web process does not load the Celery app",
        *("proj/__init__.py", "from .celery import app as celery_app", "VERSION = 1"),
        *("celery-not-loaded", ""),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one.title for one in MISTAKES])
def test_mistake_is_reported_at_its_line(
    mistake: Mistake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each typical mistake in a right project is the only finding, at its line; the status is 1."""
    if mistake.name == "celery-not-loaded":
        write_project(tmp_path, RIGHT | {mistake.file: mistake.new})
        assert [one[:1] for one in examined(tmp_path, capsys)[1]] == [("celery-not-loaded",)]
        return
    check_mistake(mistake, RIGHT, tmp_path, capsys)


def test_right_project_has_no_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A right project has no finding, whatever its tests and scripts of their own do."""
    write_project(tmp_path, RIGHT)
    assert examined(tmp_path, capsys) == (0, [])


BASE = RIGHT[SETTINGS]
RIGHT_TOO = {
    "settings in layers": {
        "proj/settings.py": None,
        "proj/settings/base.py": BASE.replace(FIRST, "").replace('    "headrace_django",\n', ""),
        "proj/settings/production.py": (
            "from .base import *\n\n"
            'INSTALLED_APPS += ["headrace_django"]\n'
            'MIDDLEWARE.insert(0, "headrace_django.middleware.FlowMiddleware")\n'
        ),
    },
    "middleware added to another list": {
        "proj/settings.py": BASE.replace(
            "MIDDLEWARE = [\n" + FIRST,
            'MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"] + [\n',
        )
    },
    "OpenTelemetry's middleware comes first": {
        "proj/settings.py": BASE.replace(
            FIRST,
            '    "opentelemetry.instrumentation.django.middleware.otel_middleware._M",\n' + FIRST,
        )
    },
    "a subclass of the middleware": {
        "proj/middleware.py": (
            "from headrace_django.middleware import FlowMiddleware\n\n"
            "class Ours(FlowMiddleware): ...\n"
        ),
        "proj/settings.py": BASE.replace(
            "headrace_django.middleware.FlowMiddleware", "proj.middleware.Ours"
        ),
    },
    "a complete configuration": {
        "proj/settings.py": BASE[: BASE.index("LOGGING =")]
        + 'from headrace.logging import dict_config\n\nLOGGING = dict_config("json")\n'
        + 'LOGGING["loggers"]["django.db"] = {"level": "WARNING"}\n'
    },
    "logging in a module of its own": {
        "proj/settings.py": BASE[: BASE.index("LOGGING =")] + "from .logs import LOGGING\n",
        "proj/logs.py": BASE[BASE.index("LOGGING =") :],
    },
    "a filter of the project's own": {
        "proj/logs.py": "def filter(record):\n    record.flow_id = 'x'\n    return True\n",
        "proj/settings.py": BASE.replace(CONSOLE, '"formatter": "verbose"'),
    },
    "the worker's format names the ID": {
        "proj/settings.py": BASE + 'CELERY_WORKER_LOG_FORMAT = "%(flow_id)s %(message)s"\n',
        "proj/celery.py": RIGHT["proj/celery.py"].replace("@setup_logging.connect\n", ""),
    },
    "the receiver leaves Django's configuration alone": {
        "proj/celery.py": RIGHT["proj/celery.py"].replace(
            "    from django.conf import settings\n\n"
            "    logging.config.dictConfig(settings.LOGGING)",
            "    pass",
        ),
    },
    "a mistake that a comment allows": {
        "proj/settings.py": BASE.replace("%(asctime)s %(flow_id)s ", "%(asctime)s ").replace(
            '%(message)s"},', '%(message)s"},  # headrace: ignore[log-format]'
        )
    },
}


@pytest.mark.parametrize("edits", RIGHT_TOO.values(), ids=RIGHT_TOO)
def test_other_right_projects_have_no_finding(
    edits: dict[str, str | None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other ways to write a right project have no finding either."""
    files = RIGHT | edits
    write_project(tmp_path, {name: text for name, text in files.items() if text is not None})
    assert examined(tmp_path, capsys) == (0, [])


def test_bare_project_gets_all_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project without headrace lacks the app, the middleware and logging."""
    write_project(
        tmp_path,
        {
            "proj/settings.py": (
                'INSTALLED_APPS = ["django.contrib.auth"]\n'
                'MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]\n'
            )
        },
    )
    status, found = examined(tmp_path, capsys)
    assert status == 1
    assert [name for name, _, _ in found] == ["django-app", "log-set-up", "django-middleware"]


def test_settings_without_any_middleware_are_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names that only Django's settings have are enough; an empty list lacks the middleware."""
    source = 'SECRET_KEY = "hunter2"\nINSTALLED_APPS = ["headrace_django"]\nMIDDLEWARE = []\n'
    write_project(tmp_path, {"settings.py": source})
    status, found = examined(tmp_path, capsys)
    assert status == 1
    assert "django-middleware" in [name for name, _, _ in found]
