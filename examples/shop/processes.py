"""Starts the four services, each a real process, and stops them however the demo ends. POSIX."""
# ruff: noqa: S603 -- every command stands in demo.py

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from interrupts import Interrupts

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
START_SECONDS = 120
STOP_SECONDS = 2  # Celery polls and sleeps for longer, but has nothing left to do

# A process that kills the groups whose numbers it has read when its input ends, which is when
# demo.py ends. It matters when demo.py is killed itself: nox does so half a second after Ctrl-C.
LEASH = """
import os, signal, sys
for group in [int(line) for line in sys.stdin]:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class ServiceError(Exception):
    """A service did not start, or ended by itself."""


@dataclass(frozen=True)
class Service:
    """What to start, and how to tell that it is up: by its port, or by words in its log."""

    name: str
    command: str
    port: int = 0
    log_words: str = ""

    def is_up(self, run: Path) -> bool:
        """Whether it is ready for work."""
        if self.log_words:
            log = run / f"{self.name}.jsonl"
            return log.exists() and self.log_words in log.read_text(encoding="utf-8")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


class Services:
    """The running services: a context manager that leaves none behind."""

    def __init__(self, run: Path, variables: dict[str, str], interrupts: Interrupts) -> None:
        self.run = run
        self.environment = environment() | variables
        self.interrupts = interrupts
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        with self.interrupts.held():
            self.leash = subprocess.Popen(
                [sys.executable, "-ISc", LEASH], stdin=subprocess.PIPE, start_new_session=True
            )
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        with self.interrupts.held():
            if error is None:
                self.terminate()
            for process in self.running.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self.leash.communicate()

    def do(self, command: str) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, *command.split()],
            cwd=HERE,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServiceError(f"{command} failed. It printed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, services: list[Service]) -> Iterator[int]:
        """Start them all, and yield how many are up. Raises ``ServiceError`` when one does not."""
        for service in services:
            with self.interrupts.held():
                self.spawn(service)
        deadline = time.monotonic() + START_SECONDS
        for count, service in enumerate(services, start=1):
            while not service.is_up(self.run):
                self.check()
                if time.monotonic() > deadline:
                    raise ServiceError(self.obituary(service.name, "did not start in time"))
                time.sleep(0.05)
            yield count

    def spawn(self, service: Service) -> None:
        """Start one service in a session of its own, so that Ctrl-C reaches only the demo."""
        with (self.run / f"{service.name}.out").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *service.command.split()],
                cwd=HERE,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running[service.name] = process
        assert self.leash.stdin
        self.leash.stdin.write(b"%d\n" % process.pid)
        self.leash.stdin.flush()

    def check(self) -> None:
        """Raise ``ServiceError`` when a service has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise ServiceError(self.obituary(name, f"ended with status {process.returncode}"))

    def terminate(self) -> None:
        """Ask every service to finish, and wait a little. What is left then is killed."""
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))

    def obituary(self, name: str, reason: str) -> str:
        """What happened to a service, with the end of what it printed."""
        output = (self.run / f"{name}.out").read_text(encoding="utf-8", errors="replace")
        return "\n    ".join([f"{name} {reason}. It printed:", *output.splitlines()[-15:]])


def environment() -> dict[str, str]:
    """Our environment variables without those that would change how a service starts."""
    foreign = ("CELERY_", "DJANGO_", "FLASK_", "UVICORN_", "PYTHONSAFEPATH")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    ours["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    return ours


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
