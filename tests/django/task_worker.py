"""Publishes tasks into a database, or works on them: ``python -m tests.django.task_worker ...``.

Its arguments are the path of the database and ``publish`` or ``work``. It prints JSON lines.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

import headrace


class Events(logging.Handler):
    """Prints the records of events, and Django's lines about tasks with their ID."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print `record` if it is about a task."""
        values = vars(record)
        if record.name == "django.tasks":
            say(event="django", text=record.getMessage(), id=headrace.current_flow_id())
        elif "event" in values:
            names = ("unit_name", "task_id", "queue", "queue_ms", "retries", "outcome", "error")
            ids = ("correlation_id", "unit_id", "causation_id")
            extra = {name: values.get(name) for name in (*names, *ids, "kind", "eta", "task")}
            say(event=values["event"], **extra)


def say(**values: Any) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(values) + "\n")


def publish() -> None:
    """Enqueue the tasks under the ID ``an-id``."""
    from tests.django import task_functions as tasks

    soon = datetime.now(UTC) + timedelta(milliseconds=10)
    with headrace.open_context("an-id") as publisher:
        results = {
            "look": tasks.look.enqueue(7, size="big"),
            "attempt": tasks.attempt.enqueue(7),
            "fail": tasks.fail.enqueue(),
            "outer": tasks.outer.enqueue(),
            "later": tasks.look.using(run_after=soon).enqueue(),
        }
    results["alone"] = tasks.look.enqueue()
    say(event="publisher", unit=publisher.unit_id, ids={key: results[key].id for key in results})


def work() -> None:
    """Run all tasks that are there, and print what the functions saw."""
    from django_tasks_db.models import DBTaskResult

    from tests.django import task_functions as tasks

    command = {"batch": True, "interval": 0, "startup_delay": False, "reload": False}
    call_command("db_worker", **command, verbosity=1)
    for context, args, kwargs in tasks.seen:
        say(event="seen", unit=context.unit_id, args=args, kwargs=kwargs)
    for row in DBTaskResult.objects.all():
        result = row.task_result
        say(
            event="row",
            id=result.id,
            args=result.args,
            kwargs=result.kwargs,
            keys=[*row.args_kwargs],
        )


def main(database: str, action: str) -> None:
    """Set Django up, and publish or work."""
    settings.configure(
        SECRET_KEY="only for tests",
        INSTALLED_APPS=["django_tasks_db", "headrace_django"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        TASKS={
            "default": {
                "BACKEND": "headrace_django.tasks.FlowBackend",
                "WRAPS": "django_tasks_db.DatabaseBackend",
            }
        },
        HEADRACE={"COMMANDS": True},
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()
    logging.basicConfig(level=logging.INFO, handlers=[Events()])
    if action == "publish":
        call_command("migrate", verbosity=0)
        publish()
    else:
        work()


if __name__ == "__main__":
    main(*sys.argv[1:])
