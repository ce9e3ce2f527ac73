"""Commands that draw and check flows know the tasks that a worker would import."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import headrace
from headrace.commands import discover_modules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from celery import Celery

APP = """
import headrace_celery
from celery import Celery

app = Celery("shop", broker="memory://", {options})
{more}
headrace_celery.init_app(app)
"""
TASKS = """
from headrace_celery import flow_task

@flow_task("orders", entrypoint=True)
def receive(): ...

@flow_task("orders", after=receive)
def ship(): ...
"""
EDGE = "receive --> ship"


def write(folder: Path, files: dict[str, str]) -> None:
    """Write `files` by path, and the packages that contain them."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    (folder / "__init__.py").unlink(missing_ok=True)


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python in `folder` with `words`, and with `more` in its environment."""
    environ = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, env=environ | more, capture_output=True, text=True, check=False
    )


@pytest.mark.guarantee(79)
@pytest.mark.parametrize(
    ("options", "more"),
    [
        ("", 'app.autodiscover_tasks(["shop.orders"])'),
        ("", 'app.autodiscover_tasks(["shop.orders"], related_name="jobs")'),
        ('include=["shop.orders.tasks"]', ""),
        ("", 'app.conf.imports = ["shop.orders.tasks"]'),
    ],
)
def test_graph_knows_the_tasks_of_the_app(tmp_path: Path, options: str, more: str) -> None:
    """`headrace graph --app` imports what the worker of that app would import."""
    app = APP.format(options=options, more=more)
    name = "jobs" if "jobs" in more else "tasks"
    write(tmp_path, {"shop/app.py": app, f"shop/orders/{name}.py": TASKS})
    drawn = run(tmp_path, "-m", "headrace", "graph", "--app", "shop.app:app", "orders")
    assert drawn.returncode == 0, drawn.stderr
    assert EDGE in drawn.stdout


@pytest.mark.guarantee(79)
def test_tasks_that_cannot_be_imported_are_reported(tmp_path: Path) -> None:
    """A module of tasks that fails ends the command, with the place."""
    app = APP.format(options="", more='app.autodiscover_tasks(["shop.orders"])')
    write(tmp_path, {"shop/app.py": app, "shop/orders/tasks.py": "import nowhere_at_all"})
    drawn = run(tmp_path, "-m", "headrace", "graph", "--app", "shop.app")
    assert drawn.returncode == 2
    assert "tasks.py:1" in drawn.stderr
    assert "nowhere_at_all" in drawn.stderr
    assert "Traceback" not in drawn.stderr


@pytest.mark.guarantee(79)
def test_discovery_imports_the_tasks_of_the_app(
    tmp_path: Path, make_app: Callable[..., Celery], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before flows are listed, the modules that the app includes are imported, in this process."""
    (tmp_path / "discovered_tasks.py").write_text(TASKS.replace('"orders"', '"discovered"'))
    monkeypatch.syspath_prepend(tmp_path)
    make_app(include=["discovered_tasks"])
    assert "discovered" not in {flow.name for flow in headrace.all_flows()}
    discover_modules([])
    assert set(headrace.get_flow("discovered").graph().steps) == {"receive", "ship"}
    del sys.modules["discovered_tasks"]
