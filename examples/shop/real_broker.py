"""What a real broker needs beside: is it there, and does it look afterwards as it did before?"""

from __future__ import annotations

import os
from typing import Any

URL = os.environ.get("HEADRACE_DEMO_BROKER") or "filesystem://localhost"
FILES = URL.startswith("filesystem:")
REDIS = URL.startswith(("redis:", "rediss:"))


def name() -> str:
    """What to call the broker in print: its address without the password."""
    if FILES:
        return "files"
    from kombu import Connection

    return Connection(URL).as_uri()


def probe() -> None:
    """Raise ``ValueError`` when the broker does not answer."""
    if FILES:
        return
    from kombu import Connection

    shown = "it"
    try:
        with Connection(URL, connect_timeout=5) as connection:
            shown = connection.as_uri()
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
    except Exception as error:  # each transport has errors of its own
        raise ValueError(f"HEADRACE_DEMO_BROKER: {shown} cannot be reached: {error}") from error


def transport_options(queue: str) -> dict[str, Any]:
    """Where kombu keeps messages that are being worked on: in Redis, in keys of this queue."""
    keys = ("unacked_key", "unacked_index_key", "unacked_mutex_key")
    return {key: f"{queue}.{key}" for key in keys} if REDIS else {}


def clean_up(queue: str) -> None:
    """Delete the queue of this run, and the exchange that Celery made for it."""
    if FILES:
        return
    from kombu import Connection, Exchange, Queue

    with Connection(URL, connect_timeout=5) as connection:
        ours = Queue(queue, Exchange(queue), routing_key=queue).bind(connection.default_channel)
        ours.declare()  # kombu removes from Redis only the bindings that this connection knows
        ours.delete()
        ours.exchange.delete()
        if REDIS:  # an interrupted run leaves the messages that it worked on
            connection.default_channel.client.delete(*transport_options(queue).values())
