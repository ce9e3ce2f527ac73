"""`headrace doctor` on Flask applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.doctor_kit import Mistake, check_mistake, examined, write_project

APP = "app.py"
RIGHT = {
    APP: """\
import logging.config
from flask import Flask
from headrace.logging import FlowFilter, dict_config
from headrace_flask import Headrace

logging.config.dictConfig(dict_config("lines"))

app = Flask(__name__)
app.config["HEADRACE_EXCLUDE_PATHS"] = ["/health"]
Headrace(app, request_headers=["X-Request-ID"])

if __name__ == "__main__":
    app.run()
"""
}
CONFIG = 'logging.config.dictConfig(dict_config("lines"))'
HEAD = "from headrace_flask import Headrace\n\n"
INIT = 'Headrace(app, request_headers=["X-Request-ID"])'
BASIC = "logging.basicConfig(format='%(asctime)s %(message)s')"
WRAP = "app.wsgi_app = FlowMiddleware(app.wsgi_app)"
STREAM = "handler = logging.StreamHandler()\n"
FLOW = "import headrace\norders = headrace.flow('orders')\n"
MISTAKES = [
    Mistake(
        "the application's logger used before dictConfig",
        APP,
        f"{CONFIG}\n\napp = Flask(__name__)",
        f"app = Flask(__name__)\napp.logger.info('early')\n{CONFIG}",
        *("log-format", "app.logger"),
    ),
    Mistake(
        "a step's decorator above that of its route",
        APP,
        INIT,
        f"{INIT}\n{FLOW}@orders.entrypoint\n@app.post('/orders')\ndef create():\n    ...",
        *("decorator-order", "@orders.entrypoint"),
    ),
    Mistake("no set-up", APP, INIT, "", "flask-set-up", "app = Flask"),
    Mistake(
        "set-up under __main__",
        *(APP, INIT + '\n\nif __name__ == "__main__":', f'if __name__ == "__main__":\n    {INIT}'),
        *("set-up-in-main", "Headrace(app"),
    ),
    Mistake(
        "middleware for ASGI",
        *(APP, INIT, f"{INIT}\nfrom headrace.asgi import FlowMiddleware\n{WRAP}"),
        *("wrong-protocol", "app.wsgi_app ="),
    ),
    Mistake(
        "a setting after the extension",
        *(APP, INIT, f'{INIT}\napp.config["HEADRACE_EXPOSE_HEADER"] = True'),
        *("late-setting", 'app.config["HEADRACE_EXPOSE_HEADER"]'),
    ),
    Mistake(
        "a setting of the wrong type",
        *(APP, '["/health"]', '"/health"'),
        *("option", "app.config"),
    ),
    Mistake(
        "a misspelt setting",
        *(APP, "Headrace(app,", "app.config.update(HEADRACE_COMANDS=True)\nHeadrace(app,"),
        *("option", "app.config"),
    ),
    Mistake(
        "a command option that is no flag",
        *(APP, INIT, "Headrace(app, commands='all')"),
        *("option", "Headrace"),
    ),
    Mistake(
        "every path is excluded",
        *(APP, INIT, 'Headrace(app, exclude_paths=["/*"])'),
        *("excluded-paths", "Headrace"),
    ),
    Mistake(
        "a header as in the WSGI environment",
        *(APP, '"X-Request-ID"', '"HTTP_X_REQUEST_ID"'),
        *("header-name", "Headrace"),
    ),
    Mistake("basicConfig without the ID", APP, CONFIG, BASIC, "log-format", "logging.basicConfig"),
    Mistake(
        "a format with the ID, and no filter",
        *(APP, CONFIG, "logging.basicConfig(format='%(flow_id)s %(message)s')"),
        *("log-filter", "logging.basicConfig"),
    ),
    Mistake(
        "a formatter without the ID",
        *(APP, CONFIG, STREAM + "handler.setFormatter(logging.Formatter('%(message)s'))"),
        *("log-format", "handler.setFormatter"),
    ),
    Mistake(
        "the filter is on the application's logger",
        *(APP, INIT, INIT + "\napp.logger.addFilter(FlowFilter())"),
        *("filter-on-logger", "app.logger"),
    ),
    Mistake(
        "the filter is on a module's logger",
        *(APP, INIT, INIT + "\nlog = logging.getLogger('x')\nlog.addFilter(FlowFilter())"),
        *("filter-on-logger", "log.addFilter"),
    ),
    Mistake(
        "another log record factory",
        *(APP, INIT, INIT + "\nlogging.setLogRecordFactory(logging.LogRecord)"),
        *("log-factory", "logging.setLogRecordFactory"),
    ),
    Mistake(
        "the configuration is not applied",
        *(APP, CONFIG, 'dict_config("lines")'),
        *("log-set-up", "dict_config"),
    ),
    Mistake(
        "structlog without the processor",
        APP,
        CONFIG,
        CONFIG + "\nimport structlog\nstructlog.configure(processors=[structlog.dev.set_exc_info])",
        "structlog",
        "structlog.configure",
    ),
    Mistake(
        "loguru without the patcher",
        *(APP, CONFIG, CONFIG + "\nfrom loguru import logger\nlogger.add('x.log')"),
        *("loguru", "logger.add"),
    ),
    Mistake(
        "no logging at all",
        *(APP, f"from headrace.logging import dict_config\n{HEAD}{CONFIG}", HEAD),
        *("log-set-up", "app = Flask"),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one.title for one in MISTAKES])
def test_mistake_is_reported_at_its_line(
    mistake: Mistake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each typical mistake in a right project is the only finding, at its line; the status is 1."""
    right = RIGHT
    if mistake.name.startswith("log-"):  # an import of the filter would count as its use
        right = {APP: RIGHT[APP].replace("FlowFilter, ", "")}
    check_mistake(mistake, right, tmp_path, capsys)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("extension = Headrace()", {"flask-set-up", "flask-extension"}),
        (
            "from headrace.wsgi import FlowMiddleware\nFlowMiddleware(app.wsgi_app)",
            {"flask-set-up", "discarded-wrapper"},
        ),
        ("Headrace.init_app(app)", {"flask-set-up", "flask-extension"}),
    ],
)
def test_set_up_without_effect_is_reported_twice(
    line: str, names: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set-up that reaches no application is reported at its line and at the application."""
    write_project(tmp_path, {APP: RIGHT[APP].replace(INIT, line)})
    assert {name for name, _, _ in examined(tmp_path, capsys)[1]} == names


RIGHT_TOO = {
    "a single file": RIGHT,
    "a factory": {
        "shop/__init__.py": (
            "from flask import Flask\nfrom .extensions import tracing\nfrom .logs import set_up\n\n"
            "def create_app():\n    set_up()\n    app = Flask(__name__)\n"
            "    tracing.init_app(app)\n    return app\n"
        ),
        "shop/extensions.py": "from headrace_flask import Headrace\n\ntracing = Headrace()\n",
        "shop/logs.py": (
            "import logging.config\nfrom headrace.logging import dict_config\n\n"
            "def set_up():\n    logging.config.dictConfig(dict_config('json'))\n"
        ),
    },
    "a factory with a helper": {
        "shop/__init__.py": (
            "from flask import Flask\nfrom .wiring import wire\n\n"
            "def create_app():\n    app = Flask(__name__)\n    wire(app)\n    return app\n"
        ),
        "shop/wiring.py": (
            "import logging.config\nfrom headrace.logging import dict_config\n"
            "from headrace_flask import Headrace\n\n"
            "def wire(app):\n    logging.config.dictConfig(dict_config('json'))\n"
            "    Headrace().init_app(app)\n"
        ),
    },
    "set-up where the application is imported": {
        "shop/app.py": "from flask import Flask\n\napp = Flask(__name__)\n",
        "shop/wsgi.py": (
            "import logging.config\nfrom headrace.logging import dict_config\n"
            "from headrace_flask import Headrace\nfrom .app import app\n\n"
            "logging.config.dictConfig(dict_config('json'))\nHeadrace(app)\n"
        ),
    },
    "an application that is mounted": {
        "app.py": RIGHT[APP]
        + (
            "\nfrom werkzeug.middleware.dispatcher import DispatcherMiddleware\n"
            "inner = Flask('inner')\n"
            "app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {'/in': inner.wsgi_app})\n"
        )
    },
    "a step's decorator below that of its route, and a logger used after dictConfig": {
        APP: RIGHT[APP].replace(
            INIT,
            f"{INIT}\napp.logger.info('late')\n{FLOW}"
            "@app.post('/orders')\n@orders.entrypoint\ndef create():\n    ...",
        )
    },
    "a handler with the filter": {
        APP: RIGHT[APP].replace(
            CONFIG,
            STREAM
            + "handler.addFilter(FlowFilter())\n"
            + "handler.setFormatter(logging.Formatter('%(flow_id)s %(message)s'))\n"
            + "logging.basicConfig(handlers=[handler])",
        )
    },
    "a factory of records that wraps": {
        APP: RIGHT[APP]
        + "before = logging.getLogRecordFactory()\nlogging.setLogRecordFactory(before)\n"
    },
    "a configuration from a file": {
        APP: RIGHT[APP].replace(CONFIG, "logging.config.fileConfig('log.ini')"),
        "log.ini": "[formatter_a]\nformat = %(flow_id)s\n",
    },
    "WSGI middleware": {
        APP: RIGHT[APP].replace(
            INIT,
            "from headrace.wsgi import FlowMiddleware\napp.wsgi_app = FlowMiddleware(app.wsgi_app)",
        )
    },
}


@pytest.mark.parametrize("files", RIGHT_TOO.values(), ids=RIGHT_TOO)
def test_right_project_has_no_finding(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every way to write a right project has no finding."""
    write_project(tmp_path, files)
    assert examined(tmp_path, capsys) == (0, [])
