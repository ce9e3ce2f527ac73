"""Real servers, each in a process of its own on a free port of this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.sites import PATIENCE

ROOT = Path(__file__).parents[2]
APP = "tests.serving.apps:app"
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Server:
    """A server program.

    Attributes:
        name: as the tests name it.
        words: its command line with ``{port}``; that of a module follows ``python -m``.
        needs: the packages that it is made of.
        is_program: whether it is an executable next to Python's, instead of a module.
    """

    name: str
    words: tuple[str, ...]
    needs: tuple[str, ...]
    is_program: bool = False

    def command(self, port: int) -> list[str]:
        """Return the command that starts it on `port`."""
        words = [word.format(port=port) for word in self.words]
        if self.is_program:
            return [str(PROGRAMS / words[0]), *words[1:]]
        return [sys.executable, "-m", *words]

    def missing(self) -> list[str]:
        """Return those of its packages that are not installed."""
        if self.is_program:
            return [name for name in self.needs if not (PROGRAMS / name).exists()]
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def uvicorn(name: str, http: str, loop: str, *needs: str) -> Server:
    """Return uvicorn with an implementation of HTTP and one of the event loop."""
    words = ("uvicorn", APP, "--port", "{port}", "--http", http, "--loop", loop)
    return Server(name, words, ("uvicorn", "websockets", *needs))


def gunicorn(worker: str, *words: str, needs: tuple[str, ...] = ()) -> Server:
    """Return gunicorn with one worker of the kind `worker`."""
    options = ("--bind", "127.0.0.1:{port}", "--worker-class", worker, *words)
    return Server(f"gunicorn-{worker}", ("gunicorn", APP, *options), ("gunicorn", *needs))


UVICORN = uvicorn("uvicorn", "h11", "asyncio")
HTTPTOOLS = uvicorn("httptools", "httptools", "asyncio", "httptools")
UVLOOP = uvicorn("uvloop", "h11", "uvloop", "uvloop")
HYPERCORN = Server("hypercorn", ("hypercorn", "--bind", "127.0.0.1:{port}", APP), ("hypercorn",))
GUNICORN = (
    gunicorn("sync"),
    gunicorn("gthread", "--threads", "8"),
    gunicorn("gevent", needs=("gevent",)),
)
DAPHNE = Server("daphne", ("daphne", "--port", "{port}", APP), ("daphne",))
UWSGI = Server(
    "uwsgi",
    (
        *("uwsgi", "--http11-socket", "127.0.0.1:{port}", "--module", APP, "--need-app"),
        *(
            "--master",
            "--threads",
            "8",
            "--py-call-osafterfork",
            "--disable-logging",
            "--die-on-term",
        ),
    ),
    ("uwsgi",),
    is_program=True,
)
RUNSERVER = Server(
    "runserver", ("tests.serving.apps", "runserver", "--noreload", "{port}"), ("django",)
)


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    port: int
    log: Path
    """What the site has logged, a JSON line for each record."""
    output: Path
    """What the server has written to its terminal."""
    pid: int


@contextlib.contextmanager
def running(server: Server, site: str, folder: Path) -> Iterator[Running]:
    """Run `site` on `server` inside the block."""
    port = free_port()
    log, output = folder / "site.log", folder / "output"
    log.touch()
    env = {**os.environ, "HEADRACE_SITE": site, "HEADRACE_SITE_LOG": str(log)}
    with output.open("wb") as file:
        process = subprocess.Popen(
            server.command(port), cwd=ROOT, env=env, stdout=file, stderr=file
        )
    try:
        wait_for(process, port, output)
        yield Running(port, log, output, process.pid)
    finally:
        stop(process)


def wait_for(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + 3 * PATIENCE
    while not answers(port):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args} did not start:\n{output.read_text()}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, kindly first."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Tell whether something listens on `port` of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
