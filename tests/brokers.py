"""Finds the brokers that tests talk to, or starts one, or says why there is none."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REDIS_PORT = 6379
RABBITMQ_PORT = 5672
START_SECONDS = 60


def ask(port: int, question: bytes) -> bytes:
    """Return the first bytes of the answer to `question` on a port of this machine, or none."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=2) as connection,
    ):
        connection.sendall(question)
        return connection.recv(64)
    return b""


def is_redis(port: int) -> bool:
    """Tell whether a Redis that wants no password answers on `port`."""
    return ask(port, b"PING\r\n").startswith(b"+PONG")


def is_rabbitmq(port: int) -> bool:
    """Tell whether a server of AMQP 0-9-1 answers on `port`: it sends a method frame (type 1)."""
    return ask(port, b"AMQP\x00\x00\x09\x01").startswith(b"\x01")


def missing(reason: str) -> NoReturn:
    """Skip the test for `reason`; fail it where the brokers are required."""
    if os.environ.get("HEADRACE_REQUIRE_BROKERS") == "1":
        pytest.fail(f"HEADRACE_REQUIRE_BROKERS=1, and {reason}", pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """Return a TCP port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def private_redis(binary: str, folder: Path) -> Iterator[str]:
    """Run a Redis of our own on a free port inside the block; yield its URL."""
    port = free_port()
    network = ["--port", str(port), "--bind", "127.0.0.1"]
    storage = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    log = folder / "redis.log"
    with subprocess.Popen([binary, *network, *storage, "--logfile", str(log)]) as server:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not is_redis(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    missing(f"redis-server did not start: {log.read_text()[-500:]}")
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            try:
                server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def find_redis(folder: Path) -> Iterator[str]:
    """Yield the URL of a Redis, started here in `folder` where none answers."""
    if is_redis(REDIS_PORT):
        yield f"redis://127.0.0.1:{REDIS_PORT}/0"
    elif binary := shutil.which("redis-server"):
        with private_redis(binary, folder) as url:
            yield url
    else:
        missing(f"no Redis answers on port {REDIS_PORT} and there is no redis-server to start")


def find_rabbitmq() -> str:
    """Return the URL of the RabbitMQ on its standard port, with its default account."""
    if is_rabbitmq(RABBITMQ_PORT):
        return f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}//"
    missing(f"no RabbitMQ answers on port {RABBITMQ_PORT}")
