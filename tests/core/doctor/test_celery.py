"""`headrace doctor` on Celery apps and their workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.doctor_kit import Mistake, check_mistake, examined, write_project

APP = "tasks.py"
RIGHT = {
    APP: """\
import logging
import logging.config
import headrace_celery
from celery import Celery
from celery.signals import setup_logging
from celery.utils.log import get_task_logger
from headrace.logging import FlowFilter, dict_config

app = Celery("shop")
headrace_celery.init_app(app)
log = get_task_logger(__name__)


@app.task
def send(): ...


@setup_logging.connect
def configure_logging(loglevel=logging.INFO, **_):
    logging.config.dictConfig(dict_config("lines", level=loglevel))
"""
}
INIT = "headrace_celery.init_app(app)"
CONNECT = "@setup_logging.connect\n"
CONFIG = 'logging.config.dictConfig(dict_config("lines", level=loglevel))'
MISTAKES = [
    Mistake("no set-up", APP, INIT, "", "celery-set-up", "app = Celery"),
    Mistake(
        "set-up under __main__",
        *(APP, INIT, f'if __name__ == "__main__":\n    {INIT}'),
        *("set-up-in-main", "headrace_celery"),
    ),
    Mistake(
        "set-up in the workers' processes only",
        APP,
        INIT,
        "from celery.signals import worker_process_init\n\n\n"
        f"@worker_process_init.connect\ndef start(**_):\n    {INIT}",
        "late-set-up",
        "headrace_celery",
    ),
    Mistake(
        "a misspelt option",
        *(APP, INIT, "headrace_celery.init_app(app, accept_deadlines=True)"),
        *("option", "headrace_celery"),
    ),
    Mistake("no receiver", APP, CONNECT, "", "celery-logging", "app = Celery"),
    Mistake(
        "a format of the worker without the ID",
        *(APP, CONNECT, "app.conf.worker_log_format = '%(asctime)s %(message)s'\n"),
        *("celery-logging", "app.conf.worker_log_format"),
    ),
    Mistake(
        "a format in update()",
        *(APP, CONNECT, "app.conf.update(worker_log_format='%(message)s')\n"),
        *("celery-logging", "app.conf.update"),
    ),
    Mistake(
        "a format for tasks without the ID",
        APP,
        CONNECT,
        "app.conf.worker_log_format = '%(flow_id)s %(message)s'\n"
        "app.conf.worker_task_log_format = '%(message)s'\n",
        "celery-logging",
        "app.conf.worker_task_log_format",
    ),
    Mistake(
        "a format for all lines but those of tasks",
        *(APP, CONNECT, "app.conf.worker_log_format = '%(flow_id)s %(message)s'\n"),
        *("celery-logging", "app.conf.worker_log_format"),
    ),
    Mistake(
        "a receiver in a function",
        APP,
        CONNECT + "def configure_logging(loglevel=logging.INFO, **_):\n    " + CONFIG,
        "def connect():\n    @setup_logging.connect\n    def configure(**_):\n"
        "        logging.config.dictConfig(dict_config('lines'))",
        "celery-receiver",
        "@setup_logging.connect",
    ),
    Mistake(
        "a receiver that is a lambda",
        APP,
        CONNECT + "def configure_logging(loglevel=logging.INFO, **_):\n    " + CONFIG,
        "setup_logging.connect(lambda **_: logging.config.dictConfig(dict_config('lines')))",
        "celery-receiver",
        "setup_logging.connect",
    ),
    Mistake(
        "a request class of the project's own",
        APP,
        INIT,
        f"{INIT}\nfrom celery import Task\nfrom celery.worker.request import Request as Base\n"
        "class Mine(Base): ...\nclass Slow(Task):\n    Request = Mine",
        "celery-request",
        "Request = Mine",
    ),
    Mistake(
        "a second app in another module",
        *("publisher.py", "#", "from celery import Celery\n\napp = Celery('publisher')"),
        *("celery-set-up", "app = Celery"),
    ),
    Mistake(
        "basicConfig in the receiver",
        *(APP, CONFIG, "logging.basicConfig(level=loglevel)"),
        *("log-format", "logging.basicConfig"),
    ),
    Mistake(
        "the receiver drops the configuration",
        *(APP, CONFIG, "dict_config('lines')"),
        *("log-set-up", "dict_config"),
    ),
    Mistake(
        "the filter is on the logger of the tasks",
        *(
            APP,
            "get_task_logger(__name__)\n",
            "get_task_logger(__name__)\nget_task_logger('x').addFilter(FlowFilter())\n",
        ),
        *("filter-on-logger", "get_task_logger"),
    ),
    Mistake(
        "structlog without the processor",
        *(APP, CONFIG, f"{CONFIG}\n    import structlog\n    structlog.configure(processors=[])"),
        *("structlog", "structlog.configure"),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one.title for one in MISTAKES])
def test_mistake_is_reported_at_its_line(
    mistake: Mistake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each typical mistake in a right project is the only finding, at its line; the status is 1."""
    files = RIGHT | {"publisher.py": "#"}
    if mistake.name == "log-set-up":
        files |= {APP: files[APP].replace("FlowFilter, ", "")}
    check_mistake(mistake, files, tmp_path, capsys)


RIGHT_TOO = {
    "a single file": RIGHT,
    "formats with the ID": {
        APP: RIGHT[APP].replace(
            CONNECT,
            "LINES = '%(flow_id)s %(message)s'\n"
            "app.conf.update(worker_log_format=LINES, worker_task_log_format=LINES)\n",
        )
    },
    "the application's own logging": {
        APP: RIGHT[APP].replace(
            CONNECT,
            "app.conf.worker_hijack_root_logger = False\n"
            "logging.config.dictConfig(dict_config('json'))\n",
        )
    },
    "a process that only publishes tasks of others": {
        APP: "from celery import Celery\nimport headrace_celery\napp = Celery()\n"
        "headrace_celery.init_app(app)\n\ndef order():\n    app.send_task('a')\n",
    },
    "a receiver that is held": {
        APP: RIGHT[APP].replace(
            CONNECT + "def configure_logging",
            "def connect():\n    setup_logging.connect(configure_logging, weak=False)\n\n\n"
            "def configure_logging",
        )
    },
    "set-up where the app is imported": {
        "shop/celery.py": RIGHT[APP].replace(INIT, ""),
        "shop/main.py": "import headrace_celery\nfrom shop.celery import app\n\n" + INIT,
    },
    "a method of a factory": {
        APP: RIGHT[APP]
        .replace('app = Celery("shop")', 'def make():\n    app = Celery("shop")')
        .replace(INIT, f"    {INIT}\n    return app"),
    },
}


@pytest.mark.parametrize("files", RIGHT_TOO.values(), ids=RIGHT_TOO)
def test_right_project_has_no_finding(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every way to write a right project has no finding."""
    write_project(tmp_path, files)
    assert examined(tmp_path, capsys) == (0, [])
