"""`headrace doctor` on FastAPI, Starlette and Quart applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.__main__ import main
from tests.core.doctor_kit import Mistake, check_mistake, examined, write_project

APP = "main.py"
RIGHT = {
    APP: """\
import logging
import logging.config
from fastapi import FastAPI
from headrace.logging import dict_config
from headrace_fastapi import init_app
from starlette.middleware.gzip import GZipMiddleware

logging.config.dictConfig(dict_config("json"))
app = FastAPI()
app.add_middleware(GZipMiddleware)
init_app(app, request_headers=["X-Request-ID"])
"""
}
CONFIG = 'logging.config.dictConfig(dict_config("json"))'
INIT = 'init_app(app, request_headers=["X-Request-ID"])'
ADD = "app.add_middleware(GZipMiddleware)"
CORS = "from fastapi.middleware.cors import CORSMiddleware\napp.add_middleware(CORSMiddleware)"
FLOW = "from headrace_fastapi import FlowMiddleware\n"
STARLETTE = (
    "from starlette.applications import Starlette\nfrom starlette.middleware import Middleware\n"
)
UVICORN = (
    '{"version": 1, "disable_existing_loggers": False, '
    '"formatters": {"x": {"format": "%(message)s"}}, "handlers": {"a": {'
)
MISTAKES = [
    Mistake("no set-up", APP, INIT, "", "fastapi-set-up", "app = FastAPI"),
    Mistake(
        "set-up under __main__",
        *(APP, INIT, f'if __name__ == "__main__":\n    {INIT}'),
        *("set-up-in-main", "init_app"),
    ),
    Mistake(
        "set-up when the application starts",
        *(APP, INIT, f'@app.on_event("startup")\ndef start():\n    {INIT}'),
        *("late-set-up", "init_app"),
    ),
    Mistake(
        "set-up in the lifespan",
        APP,
        f"app = FastAPI()\n{ADD}\n{INIT}",
        "async def start(app):\n    init_app(app)\n    yield\n\napp = FastAPI(lifespan=start)",
        *("late-set-up", "init_app"),
    ),
    Mistake(
        "middleware that is added before CORS",
        *(APP, f"{ADD}\n{INIT}", f"{FLOW}app.add_middleware(FlowMiddleware)\n{CORS}"),
        *("middleware-order", "app.add_middleware(FlowMiddleware"),
    ),
    Mistake(
        "middleware that is added first",
        *(APP, f"{ADD}\n{INIT}", f"{FLOW}app.add_middleware(FlowMiddleware)\n{ADD}"),
        *("middleware-order", "app.add_middleware(FlowMiddleware"),
    ),
    Mistake(
        "middleware that is listed second",
        APP,
        INIT,
        f"{INIT}\n{FLOW}{STARLETTE}"
        "site = Starlette(middleware=[\n    Middleware(GZipMiddleware),\n"
        "    Middleware(FlowMiddleware),\n])",
        "middleware-order",
        "Middleware(FlowMiddleware",
    ),
    Mistake(
        "middleware for WSGI",
        *(
            APP,
            INIT,
            f"{INIT}\nfrom headrace.wsgi import FlowMiddleware as W\napp.add_middleware(W)",
        ),
        *("wrong-protocol", "app.add_middleware(W)"),
    ),
    Mistake(
        "one of two applications",
        *(APP, INIT, f"{INIT}\nadmin = FastAPI()"),
        *("fastapi-set-up", "admin ="),
    ),
    Mistake(
        "a Starlette application without set-up",
        *(APP, INIT, f"{INIT}\n{STARLETTE}site = Starlette()"),
        *("starlette-set-up", "site ="),
    ),
    Mistake(
        "a Quart application without set-up",
        *(APP, INIT, f"{INIT}\nfrom quart import Quart\nsite = Quart(__name__)"),
        *("quart-set-up", "site ="),
    ),
    Mistake(
        "every path is excluded",
        *(APP, INIT, 'init_app(app, exclude_paths=["/*"])'),
        *("excluded-paths", "init_app"),
    ),
    Mistake(
        "an option of configure()",
        *(APP, INIT, "init_app(app, backend='otel')"),
        *("option", "init_app"),
    ),
    Mistake(
        "an unknown backend",
        *(APP, INIT, f"{INIT}\nimport headrace\nheadrace.configure('otl')"),
        *("option", "headrace.configure"),
    ),
    Mistake(
        "a header with underscores",
        *(APP, '"X-Request-ID"', '"x_request_id"'),
        *("header-name", "init_app"),
    ),
    Mistake(
        "basicConfig",
        *(APP, CONFIG, "logging.basicConfig(level='INFO')"),
        *("log-format", "logging.basicConfig"),
    ),
    Mistake(
        "uvicorn's dictionary",
        APP,
        CONFIG,
        f'{CONFIG}\nLOGS = {UVICORN}"class": "logging.StreamHandler", "formatter": "x"}}}}}}',
        "log-format",
        "LOGS =",
    ),
    Mistake(
        "structlog's processor after the renderer",
        APP,
        CONFIG,
        f"{CONFIG}\nimport structlog\nfrom headrace.structlog import flow_processor\n"
        "structlog.configure(processors=[structlog.processors.JSONRenderer(), flow_processor])",
        "structlog",
        "structlog.configure",
    ),
    Mistake(
        "OpenTelemetry's log format",
        APP,
        CONFIG,
        f"{CONFIG}\nfrom opentelemetry.instrumentation.logging import LoggingInstrumentor\n"
        "LoggingInstrumentor().instrument(set_logging_format=True)",
        "log-format",
        "LoggingInstrumentor()",
    ),
    Mistake(
        "a queue of RQ",
        *(APP, INIT, f"{INIT}\nfrom rq import Queue\nqueue = Queue()"),
        *("queue-set-up", "queue ="),
    ),
    Mistake(
        "a broker of taskiq",
        *(APP, INIT, f"{INIT}\nfrom taskiq import InMemoryBroker\nbroker = InMemoryBroker()"),
        *("queue-set-up", "broker ="),
    ),
    Mistake(
        "a broker of Dramatiq",
        APP,
        INIT,
        f"{INIT}\nfrom dramatiq.brokers.redis import RedisBroker\nbroker = RedisBroker()",
        "queue-set-up",
        "broker =",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one.title for one in MISTAKES])
def test_mistake_is_reported_at_its_line(
    mistake: Mistake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each typical mistake in a right project is the only finding, at its line; the status is 1."""
    check_mistake(mistake, RIGHT, tmp_path, capsys)


RIGHT_TOO = {
    "a single file": RIGHT,
    "set-up before other middleware": {APP: RIGHT[APP].replace(f"{ADD}\n{INIT}", f"{INIT}\n{ADD}")},
    "listed first": {
        APP: RIGHT[APP].replace(
            f"app = FastAPI()\n{ADD}\n{INIT}",
            f"{FLOW}{STARLETTE}"
            "app = Starlette(middleware=[Middleware(FlowMiddleware), Middleware(GZipMiddleware)])",
        )
    },
    "a lifespan that sets up another application": {
        APP: RIGHT[APP] + "async def lifespan(app):\n    inner = FastAPI()\n    init_app(inner)\n"
        "    app.mount('/inner', inner)\n    yield\n"
        "site = FastAPI(lifespan=lifespan)\ninit_app(site)\n"
    },
    "middleware that rejects IDs, inside CORS": {
        APP: RIGHT[APP].replace(
            INIT, f"{FLOW}app.add_middleware(FlowMiddleware, on_invalid='reject')\n{CORS}"
        )
    },
    "added last": {APP: RIGHT[APP].replace(INIT, f"{FLOW}app.add_middleware(FlowMiddleware)")},
    "wrapped": {
        APP: RIGHT[APP].replace(
            INIT, "from headrace.asgi import FlowMiddleware\nserved = FlowMiddleware(app)"
        )
    },
    "a mounted application": {APP: f'{RIGHT[APP]}inner = FastAPI()\napp.mount("/inner", inner)\n'},
    "a factory in a class": {
        APP: RIGHT[APP].replace(
            f"app = FastAPI()\n{ADD}\n{INIT}",
            "class Site:\n    def __init__(self):\n        self.app = FastAPI()\n"
            "        init_app(self.app)",
        )
    },
    "set-up in the module that creates the servers": {
        "web/app.py": "from fastapi import FastAPI\n\ndef make():\n    return FastAPI()\n",
        "web/serve.py": (
            "import logging.config\nfrom headrace.logging import dict_config\n"
            "from headrace_fastapi import init_app\nfrom .app import make\n\n"
            "logging.config.dictConfig(dict_config('json'))\napp = make()\ninit_app(app)\n"
        ),
    },
    "queues": {
        APP: RIGHT[APP]
        + "from headrace_queues.taskiq import init_app as i\nfrom taskiq import InMemoryBroker\n"
        "broker = InMemoryBroker()\ni(broker)\n"
        "from headrace_queues.rq import FlowQueue\nqueue = FlowQueue()\n"
    },
    "structlog with fields": {
        APP: RIGHT[APP].replace(
            CONFIG,
            "import structlog\nfrom headrace.structlog import FlowProcessor\n"
            "structlog.configure(processors=[FlowProcessor(fields=['user'])])",
        )
    },
    "structlog and loguru": {
        APP: RIGHT[APP].replace(
            CONFIG,
            "import structlog\nfrom headrace.loguru import flow_patcher\n"
            "from headrace.structlog import flow_processor\nfrom loguru import logger\n"
            "logger.configure(patcher=flow_patcher)\n"
            "structlog.configure(processors=[flow_processor, structlog.processors.JSONRenderer()])",
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


def test_filter_of_another_library_does_not_show_our_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The handler's own filter sets the field of the format, so no line fails."""
    other = (
        '{"version": 1, "disable_existing_loggers": False, '
        '"filters": {"id": {"()": "asgi_correlation_id.CorrelationIdFilter"}}, '
        '"formatters": {"x": {"format": "%(correlation_id)s %(message)s"}}, '
        '"handlers": {"a": {"class": "logging.StreamHandler", "formatter": "x", '
        '"filters": ["id"]}}, "root": {"handlers": ["a"]}}'
    )
    write_project(tmp_path, {APP: RIGHT[APP].replace('dict_config("json")', other)})
    assert main(["doctor", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert (
        "log-filter: the handler 'a' has no FlowFilter, so its lines do not show headrace's" in out
    )
    assert "fails" not in out
