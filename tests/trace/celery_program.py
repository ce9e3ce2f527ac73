"""A Celery application with JSON lines: its publisher, and the tasks of its worker."""

from __future__ import annotations

import logging
import logging.config
import os
from typing import Any

from celery import Celery, signals

import headrace
import headrace_celery
from headrace.logging import dict_config

app = Celery("stories", broker=os.environ["STORIES_URL"])
app.conf.task_default_queue = os.environ["STORIES_QUEUE"]
app.conf.broker_connection_retry_on_startup = True
headrace_celery.init_app(app)


def set_up_logging(**_: Any) -> None:
    """Write JSON lines to standard error."""
    logging.config.dictConfig(dict_config("json", service="shop"))


signals.setup_logging.connect(set_up_logging, weak=False)


@app.task(bind=True, name="shop.charge")
def charge(self: Any) -> None:
    """Fail once, then publish the next task."""
    logging.getLogger("shop").info("charging")
    if not self.request.retries:
        raise self.retry(countdown=0)
    ship.delay()


@app.task(name="shop.ship")
def ship() -> None:
    """End in an error."""
    raise ValueError("no stock")


if __name__ == "__main__":
    set_up_logging()
    with headrace.open_context(os.environ["STORIES_ID"]):
        charge.delay()
