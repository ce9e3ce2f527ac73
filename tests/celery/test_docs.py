"""The modules of docs/howto/celery.md that set up a process: each runs in one of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "celery.md"
RUN = """
app.conf.update(task_always_eager=True)
app.log.setup(loglevel={level!r}, redirect_stdouts=False)
with headrace.open_context("documented"):
    log.warning("before")
    receive(7)
log.warning("after")
"""


def block(name: str) -> str:
    """Return the code block of the page that begins with `# name`."""
    (code,) = re.findall(
        rf"^```python\n(# {re.escape(name)}\n.*?)^```$",
        PAGE.read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    return str(code)


def python(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with `command` in `folder`."""
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def worker_log(
    folder: Path, *names: str, level: str = "INFO", format: str | None = None
) -> list[str]:
    """Return the lines of a worker that was set up with the page's blocks `names`.

    With `format`, `dict_config` writes them; without, the receiver of the first block is left out.
    """
    code = "\n".join([*(block(name) for name in names), RUN.format(level=level)])
    if format is None:
        code = code.replace("@setup_logging.connect\n", "", 1)
    else:
        code = code.replace('dict_config("lines"', f"dict_config({format!r}")
    (folder / "process.py").write_text(code, encoding="utf-8")
    return python(folder, "process.py").stderr.splitlines()


def test_workers_own_logging_shows_the_id(tmp_path: Path) -> None:
    """With `%(flow_id)s` in worker_log_format the worker's lines have the ID, or a dash."""
    lines = worker_log(tmp_path, "shop/tasks.py", "shop/own_logging.py")
    shown = [line.split()[3:5] for line in lines]
    assert ["documented", "shop:"] in shown
    assert ["documented", "headrace:"] in shown
    assert ["documented", "celery.app.trace:"] in shown
    assert shown[-1] == ["-", "shop:"]


def test_lines_show_the_id(tmp_path: Path) -> None:
    """The set-up as printed writes lines for people, each with the ID."""
    lines = worker_log(tmp_path, "shop/tasks.py", format="lines")
    assert {line.split()[2] for line in lines[:-1]} == {"documented"}
    assert any(line.endswith("fulfilling order 7 [shop order.fulfil]") for line in lines)
    assert lines[-1].split()[2] == "-"


@pytest.mark.guarantee(70)
def test_workers_own_logging_shows_metadata(tmp_path: Path) -> None:
    """A field that `install` names may stand in worker_log_format, inside and outside a run."""
    own = block("shop/own_logging.py").replace("%(flow_id)s", "%(flow_id)s/%(tenant)s")
    code = block("shop/tasks.py").replace("@setup_logging.connect\n", "") + own
    code += (
        "\nimport headrace.logging\n"
        'headrace.logging.install(fields=["tenant"])\n'
        "app.conf.update(task_always_eager=True)\n"
        'app.log.setup(loglevel="INFO", redirect_stdouts=False)\n'
        'headrace.configure(propagate_metadata=["tenant"])\n'
        'with headrace.open_context("documented", metadata={"tenant": "acme"}):\n'
        "    receive(7)\n"
        'log.warning("after")\n'
    )
    (tmp_path / "process.py").write_text(code, encoding="utf-8")
    shown = python(tmp_path, "process.py").stderr.splitlines()
    assert {line.split()[3] for line in shown[:-1]} == {"documented/acme"}
    assert shown[-1].split()[3:] == ["-/-", "shop:", "after"]


def test_loglevel_is_kept(tmp_path: Path) -> None:
    """`--loglevel WARNING` silences what is below, ours included."""
    lines = worker_log(tmp_path, "shop/tasks.py", "shop/own_logging.py", level="WARNING")
    assert [line.split()[2:5] for line in lines] == [
        ["WARNING", "documented", "shop:"],
        ["WARNING", "-", "shop:"],
    ]


@pytest.mark.parametrize("level", ["INFO", "WARNING"])
def test_json_logging_shows_the_id(tmp_path: Path, level: str) -> None:
    """As JSON, each line has the ID, the flow and the step; --loglevel is heeded."""
    lines = worker_log(tmp_path, "shop/tasks.py", level=level, format="json")
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert {record["flow_id"] for record in records[:-1]} == {"documented"}
    assert "flow_id" not in records[-1]
    steps = {record["step"] for record in records if record["message"].startswith("fulfilling")}
    assert steps == ({"fulfil"} if level == "INFO" else set())


def test_structlog_logging_shows_the_id(tmp_path: Path) -> None:
    """The module for structlog gives each line the ID, Celery's own lines included."""
    pytest.importorskip("structlog")
    lines = worker_log(tmp_path, "shop/tasks.py", "shop/structlog_logging.py")
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert {record["flow_id"] for record in records[:-1]} == {"documented"}
    assert "celery.app.trace" in {record["logger"] for record in records}
    assert "flow_id" not in records[-1]


def test_django_project_runs_its_tasks_under_the_id(tmp_path: Path) -> None:
    """The modules for Django make a project whose shared tasks carry the ID, and are drawn."""
    pytest.importorskip("django")
    for name, content in {
        "proj/__init__.py": block("proj/__init__.py"),
        "proj/celery.py": block("proj/celery.py"),
        "proj/settings.py": 'SECRET_KEY = "x"\nUSE_TZ = True\nINSTALLED_APPS = ["orders"]\n'
        'CELERY_TASK_ALWAYS_EAGER = True\nCELERY_BROKER_URL = "memory://"\n',
        "orders/__init__.py": "",
        "orders/tasks.py": block("orders/tasks.py").replace(
            "def label(number): ...", "def label(number): return current_flow_id()"
        ),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    tasks = tmp_path / "orders" / "tasks.py"
    tasks.write_text(f"from headrace import current_flow_id\n{tasks.read_text('utf-8')}", "utf-8")
    (tmp_path / "process.py").write_text(
        "import proj, headrace\n"
        "import django; django.setup()\n"
        "proj.celery_app.loader.import_default_modules()\n"
        "from orders.tasks import label\n"
        'with headrace.open_context("from-django"):\n'
        "    print(label.delay(1).get())\n"
        'print(headrace.generate_dag("parcels"))\n',
        encoding="utf-8",
    )
    assert python(tmp_path, "process.py").stdout.splitlines() == [
        "from-django",
        "graph TD",
        "    book --> label",
    ]


SITE = """
from headrace_celery import flow_task
from django.http import HttpResponse
from django.urls import path

import logging

SECRET_KEY = "x"
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "proj.settings"
INSTALLED_APPS = ["headrace_django", "orders"]
MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"]
CELERY_BROKER_URL = "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = {name: "queue" for name in ("data_folder_in", "data_folder_out")}
CELERY_BROKER_TRANSPORT_OPTIONS["control_folder"] = "control"


def book(request):
    from orders.tasks import book

    logging.getLogger("orders").info("ordering")
    book.delay(7)
    return HttpResponse()


urlpatterns = [path("book", book)]
"""
REQUEST = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "proj.settings"
import django
django.setup()
from django.test import Client
print(Client().get("/book")["X-Correlation-ID"])
"""


def lines_of(text: str) -> list[dict[str, Any]]:
    """Return the lines of JSON in `text`."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.guarantee(73)
@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_one_logging_setting_serves_django_and_the_worker(tmp_path: Path, pool: str) -> None:
    """A project as on the page: a request and its task, in a worker of its own, log one ID."""
    pytest.importorskip("django")
    for folder in ("proj", "orders", "queue", "control"):
        (tmp_path / folder).mkdir()
    for name in ("proj/__init__.py", "proj/celery.py", "orders/tasks.py"):
        (tmp_path / name).write_text(block(name), encoding="utf-8")
    (tmp_path / "orders" / "__init__.py").touch()
    (tmp_path / "proj" / "settings.py").write_text(SITE + block("proj/settings.py"), "utf-8")
    (tmp_path / "request.py").write_text(REQUEST, encoding="utf-8")
    web = python(tmp_path, "request.py")
    flow_id = web.stdout.strip()
    (ordering,) = [line for line in lines_of(web.stderr) if line["message"] == "ordering"]
    assert ordering["flow_id"] == flow_id

    command = [sys.executable, "-m", "celery", "-A", "proj", "worker", f"--pool={pool}"]
    log = tmp_path / "worker.log"
    with log.open("w") as out:
        worker = subprocess.Popen([*command, "-c1"], cwd=tmp_path, stdout=out, stderr=out)
    try:
        for _ in range(600):
            if "succeeded in" in log.read_text("utf-8"):
                break
            assert worker.poll() is None, log.read_text("utf-8")
            time.sleep(0.1)
    finally:
        worker.terminate()
        worker.wait(60)
    lines = lines_of(log.read_text("utf-8"))
    shown = {line["logger"]: line["flow_id"] for line in lines if "flow_id" in line}
    assert shown == dict.fromkeys(("orders", "headrace", "celery.app.trace"), flow_id)
    assert {line["step"] for line in lines if line["message"] == "booking 7"} == {"book"}


def test_celerys_fixtures_work_as_documented(tmp_path: Path) -> None:
    """The test of the page passes, with a worker in a thread of its process."""
    (tmp_path / "test_tasks.py").write_text(block("test_tasks.py"), encoding="utf-8")
    out = python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tasks.py").stdout
    assert "1 passed" in out
