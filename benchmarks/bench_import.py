"""What imports cost in a new interpreter, beside py-stepchain's and the frameworks' own.

Each run is an interpreter of its own, whose processor time counts, less that of an interpreter
that imports nothing. The cases take turns, and their medians count. Run it alone with
``python -m benchmarks.bench_import``.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile

from rich.console import Console

from benchmarks.harness import Result, print_tables

ROUNDS = 7
NOTHING = "pass"
GROUPS: dict[str, dict[str, tuple[str, float | None]]] = {
    "a cold import, in imports of py-stepchain": {
        "py-stepchain": ("from stepchain import Chain", None),
        "headrace": ("import headrace", 0.9),
        "headrace, Chain": ("from headrace import Chain", 1.0),
    },
    "a cold import and one run, in py-stepchain's": {
        "py-stepchain": (
            "from stepchain import Chain; Chain().next(int, out='number').run()",
            None,
        ),
        "headrace, Chain": (
            "from headrace import Chain; Chain().next(int, out='number').run()",
            None,
        ),
    },
    "a cold import, in imports of Django": {
        "Django": ("import django.core.handlers.wsgi", None),
        "with headrace_django": (
            "import django.core.handlers.wsgi, headrace_django.middleware",
            None,
        ),
    },
    "a cold import, in imports of Flask": {
        "Flask": ("import flask", None),
        "with headrace_flask": ("import flask, headrace_flask", None),
    },
    "a cold import, in imports of FastAPI": {
        "FastAPI": ("import fastapi", None),
        "with headrace_fastapi": ("import fastapi, headrace_fastapi", None),
    },
    "a cold import, in imports of Celery": {
        "Celery": ("from celery import Celery, Task", None),
        "with headrace_celery": ("from celery import Celery, Task; import headrace_celery", None),
    },
}
"""Statements and limits by what the ratios mean; the first case of a group is its base."""


def results(rounds: int = ROUNDS) -> list[Result]:
    """Return what each statement costs."""
    programs = [NOTHING, *(program for cases in GROUPS.values() for program, _ in cases.values())]
    times: dict[str, list[float]] = {program: [] for program in programs}
    with tempfile.TemporaryDirectory() as folder:
        # Byte code as after an installation, which this prefix takes even for what is editable.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for program in programs:
            _seconds(program, environment)
        for _ in range(rounds):
            for program in programs:
                times[program].append(_seconds(program, environment))
    own = {program: statistics.median(each) for program, each in times.items()}
    return [result for title, cases in GROUPS.items() for result in _results(title, cases, own)]


def _results(
    title: str, cases: dict[str, tuple[str, float | None]], own: dict[str, float]
) -> list[Result]:
    net = {program: own[program] - own[NOTHING] for program, _ in cases.values()}
    base = next(iter(net.values()))
    return [
        Result(title, name, net[program], net[program] / base, limit)
        for name, (program, limit) in cases.items()
    ]


def _seconds(program: str, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", program]
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    print_tables(results(20), Console())
