"""Sentry's events carry the ID, by the function that the documentation shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sentry_sdk")

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "fastapi.md"
SITE = """
import json
import logging

import headrace
import sentry_sdk

{tag}

events = []
sentry_sdk.init(
    dsn="http://key@127.0.0.1:9/1",
    before_send=lambda event, hint: events.append(tag(event, hint)),
    transport=lambda envelope: None,
)

from fastapi import FastAPI
from headrace_fastapi import init_app
from starlette.testclient import TestClient

app = FastAPI()
init_app(app)


@app.get("/fails")
async def fail():
    raise LookupError


@app.get("/logs")
async def log():
    logging.getLogger("shop").error("out of stock")


client = TestClient(app, raise_server_exceptions=False)
for path in ("/fails", "/logs"):
    client.get(path, headers={{"X-Correlation-ID": path[1:]}})
print(json.dumps([event["tags"]["flow_id"] for event in events]))
"""


def test_events_carry_the_id_as_documented() -> None:
    """An unhandled error, which Sentry catches around the unit, and a line of the log inside it."""
    (tag,) = re.findall(
        r"(?s)(from headrace\.integration import marked_id.*?return event)", PAGE.read_text("utf-8")
    )
    # In a process of its own: what Sentry does to Starlette cannot be undone.
    ran = subprocess.run(
        [sys.executable, "-c", SITE.format(tag=tag)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == ["fails", "logs"]
