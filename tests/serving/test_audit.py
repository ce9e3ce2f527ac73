"""Every line of every logger carries the ID of the request or task that it is about.

The session `audit` sets ``HEADRACE_AUDIT`` to the number of units; without it there are a few.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tests.serving import audit_asgi, audit_wsgi
from tests.serving.audit_kit import MARKER, Expected, Line, read, send, unseen, wrong_lines
from tests.serving.servers import (
    APP,
    GUNICORN,
    HTTPTOOLS,
    HYPERCORN,
    ROOT,
    UVICORN,
    UVLOOP,
    Server,
    running,
)
from tests.serving.servers import uvicorn as uvicorn_with

pytestmark = pytest.mark.guarantee(68)

UNITS = int(os.environ.get("HEADRACE_AUDIT", "400"))
SHARES = 9
"""Seven servers and two pools get equal shares."""

LOST = "Task handler raised error: WorkerLostError"

BOTH = uvicorn_with("httptools-uvloop", "httptools", "uvloop", "httptools", "uvloop")
ASGI = [UVICORN, HTTPTOOLS, UVLOOP, BOTH, HYPERCORN]
WSGI = list(GUNICORN[1:])


def auditing(server: Server) -> Server:
    """Return `server` with the audit's site, and with all its logging enabled."""
    site = "asgi" if server in ASGI else "wsgi"
    words = tuple(f"tests.serving.audit_{site}:app" if w == APP else w for w in server.words)
    if server in WSGI:
        words += ("--access-logfile", "-")
    # On a busy machine a client may pause for longer than the servers' two or five seconds.
    option = "--timeout-keep-alive" if "uvicorn" in server.words else "--keep-alive"
    return replace(server, words=(*words, option, "75"))


def report(lines: list[Line], expected: Expected) -> None:
    """Fail if a line is wrong, or if nothing was logged about a unit."""
    wrong = wrong_lines(lines, expected)
    assert wrong[:5] == [], f"{len(wrong)} of {len(lines)} lines are wrong"
    assert unseen(lines, expected) == set()


@pytest.mark.parametrize("server", [*ASGI, *WSGI], ids=lambda server: server.name)
def test_every_line_of_a_server_has_the_id_of_its_request(server: Server, tmp_path: Path) -> None:
    """Kept-alive connections, large bodies, background work, errors, aborts and WebSockets."""
    if missing := server.missing():
        words = f"{server.name} needs {', '.join(missing)}: nox -s servers"
        if os.environ.get("HEADRACE_REQUIRE_SERVERS"):
            pytest.fail(words)
        pytest.skip(words)
    kinds = audit_asgi.KINDS if server in ASGI else audit_wsgi.KINDS
    with running(auditing(server), "audit", tmp_path) as started:
        expected, problems = send(started.port, kinds, UNITS // SHARES)
        lines = read(started.log)
    assert problems[:5] == []
    report(lines, expected)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_every_line_of_a_worker_has_the_id_of_its_task(
    pool: str, redis_url: str, tmp_path: Path
) -> None:
    """Tasks that succeed, fail, retry, publish others, and kill the process that runs them."""
    log = tmp_path / "worker.log"
    log.touch()
    env = os.environ | {
        "AUDIT_BROKER": redis_url,
        "AUDIT_QUEUE": f"audit-{uuid.uuid4().hex}",
        "HEADRACE_SITE_LOG": str(log),
    }
    words = [sys.executable, "-m", "tests.serving.audit_tasks", pool, str(UNITS // SHARES)]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    expected = {marker: marker for marker in MARKER.findall(done.stdout)}
    assert len(expected) == UNITS // SHARES
    lines = read(log)
    # The line of a lost process names no task, so there must be one per task that killed one.
    lost = [line for line in lines if LOST in line.text]
    killers = [path.stem for path in tmp_path.glob("*.killed")]
    assert sorted(line.flow_id for line in lost) == sorted(killers)
    assert bool(killers) == (pool == "prefork")
    report([line for line in lines if line not in lost], expected)
