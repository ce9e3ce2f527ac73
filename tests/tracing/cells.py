"""The cells of the matrix: each framework in each set-up, and what its program prints.

The instrumentations patch the frameworks for good, so each cell has a process of its own. Those of
one framework are forked from a process that has imported it; those with ``auto`` are started
by another program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SETUPS = {
    "asgi": ["alone", "first", "last", "own", "own-last"],
    "django": ["alone", "first", "last", "auto"],
    "django-async": ["alone", "first", "last", "auto"],
    "fastapi": ["alone", "first", "last", "own-last", "mounted", "auto"],
    "flask": ["alone", "first", "last", "auto"],
    "starlette": ["alone", "first", "last", "own", "own-last", "auto"],
    "wsgi": ["alone", "first", "last"],
}
REQUESTS = [
    (framework, setup, "auto" if setup in {"first", "auto"} else "otel")
    for framework, setups in SETUPS.items()
    for setup in setups
]
TASKS = [
    *(("celery", "alone", "otel"), ("celery", "first", "auto"), ("celery", "last", "otel")),
    *(("celery", "last", "auto"), ("celery", "auto", "auto")),
]
"""Framework, set-up and backend."""


def printed(framework: str, setup: str, backend: str) -> Any:
    """Return what the program prints for a cell."""
    return _all_printed(framework, setup == "auto")[f"{setup} {backend}"]


@cache
def _all_printed(framework: str, auto: bool) -> Any:
    program = "celery_program" if framework == "celery" else "program"
    cells = [each for each in (*REQUESTS, *TASKS) if each[0] == framework]
    wanted = [f"{setup} {backend}" for _, setup, backend in cells if (setup == "auto") == auto]
    command = [sys.executable, "-m", f"tests.tracing.{program}", framework, *wanted]
    if auto:
        starter = "opentelemetry.instrumentation.auto_instrumentation"
        command[1:1] = ["-c", f"from {starter} import run; run()", sys.executable]
    none = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    paths = {
        "DJANGO_SETTINGS_MODULE": "tests.tracing.django_settings",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=os.environ | none | paths,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def print_cells(run: Callable[[str, str], Any], cells: list[str]) -> None:
    """Print what `run` returns for each set-up and backend, each call in its own child process."""
    sys.stdout.write(json.dumps({cell: _in_child(run, cell) for cell in cells}))


def _in_child(run: Callable[[str, str], Any], cell: str) -> Any:
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            with open(writer, "w", encoding="utf-8") as file:
                json.dump(run(*cell.split()), file)
        except BaseException:  # noqa: BLE001, RUF100 - the parent's code must not go on
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        text = file.read()
    _, status = os.wait()
    if status:
        sys.exit(f"{cell} failed: see above")
    return json.loads(text)
