"""The queue between shop and worker: Celery's filesystem transport, or a real broker.

``HEADRACE_DEMO_BROKER=redis://...`` or ``amqp://...`` uses a real one. headrace has no part in it.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

import real_broker
from config import BROKER, QUEUE, RUN


class Channel(filesystem.Channel):
    """Publishes by renaming a finished file.

    kombu's own writes the message in place, so that now and then a reader takes away an empty file
    and the order with it (https://github.com/celery/kombu/issues/1551).
    """

    def _put(self, queue: str, message: Any, **_: Any) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time.monotonic_ns():020}_{uuid.uuid4().hex}"
        draft = folder / f"{name}.draft"
        draft.write_text(dumps(message), encoding="utf-8")
        os.replace(draft, folder / f"{name}.{queue}.msg")


class Transport(filesystem.Transport):
    """kombu's filesystem transport with the channel above."""

    Channel = Channel


TRANSPORT_ALIASES["filesystem"] = "broker:Transport"


def transport_options() -> dict[str, Any]:
    """What kombu has to know about the broker: for files, folders that it does not make itself."""
    if not BROKER.startswith("filesystem:"):
        return real_broker.transport_options(QUEUE)
    folders = {name: RUN / "queue" / name for name in ("messages", "done", "control")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folders["messages"]),
        "data_folder_out": str(folders["messages"]),
        "store_processed": True,
        "processed_folder": str(folders["done"]),
        "control_folder": folders["control"],
        "polling_interval": 0.05,  # seconds
    }


SETTINGS: dict[str, Any] = {
    "broker_url": BROKER,
    "broker_transport_options": transport_options(),
    "broker_connection_retry_on_startup": True,
    "task_default_queue": QUEUE,
    "task_ignore_result": True,
    "worker_prefetch_multiplier": 1,
    "worker_enable_remote_control": False,
    # What a killed process was working on is delivered again.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_lost_wait": 0.5,  # seconds; with files, Celery first waits for the result
}
