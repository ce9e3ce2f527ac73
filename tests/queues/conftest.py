"""A worker of each queue on a real Redis, in a process of its own, started again when it dies."""

from __future__ import annotations

import importlib
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

import headrace
from tests.queues.programs import notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
QUEUES = ("rq", "dramatiq", "taskiq")


@pytest.fixture(autouse=True)
def headrace_as_before() -> Iterator[None]:
    """Give back the log records and the configuration."""
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)
    headrace.configure()


class System:
    """A queue with its worker: what publishes, and what the tasks have noted."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self.name, self.notes, self.log = name, folder / "notes", folder / "log"
        self.mark = folder / "mark"
        self._module = f"tests.queues.programs.{name}_program"
        values = {"URL": url, "NOTES": str(self.notes), "QUEUE": f"headrace-{uuid.uuid4().hex}"}
        self.environment = {f"CONTRACT_{key}": value for key, value in values.items()}
        self.starts = 0
        self._stopping = False

    def __enter__(self) -> Self:
        """Load the tasks, and start the worker."""
        with pytest.MonkeyPatch.context() as patch:
            for key, value in self.environment.items():
                patch.setenv(key, value)
            for module in (notes, *filter(None, [sys.modules.get(self._module)])):
                importlib.reload(module)
            self.program: Any = importlib.import_module(self._module)
        self._keeper = threading.Thread(target=self._keep_alive)
        self._start()
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the worker."""
        self._stopping = True
        self._worker.terminate()
        self._keeper.join(60)

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", self._module],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
            )
        self.starts += 1

    def _keep_alive(self) -> None:
        while not self._stopping:
            try:
                self._worker.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            if not self._stopping:
                self._start()
        try:
            self._worker.wait(15)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()

    def wait_for_start(self, number: int) -> None:
        """Wait until the worker has been started `number` times."""
        self._wait_until(lambda: self.starts >= number)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)

    def runs(self, label: str, count: int = 1) -> list[dict[str, Any]]:
        """Return `count` runs of the tasks called with `label`, in order."""
        return notes.read(self.notes, "run", "label", label, count)

    def lines(self, event: str, unit: str, count: int = 1) -> list[dict[str, Any]]:
        """Return `count` lines of an event of the unit, as the worker logged them."""
        return notes.read(self.notes, event, "unit_id", unit, count)

    def wait_for_line(self, label: str, words: str) -> None:
        """Wait until a line of the worker's log contains the ID `label` and `words`."""

        def is_there() -> bool:
            lines = self.log.read_text().splitlines()
            return any(f"[{label}]" in line and words in line for line in lines)

        self._wait_until(is_there)

    def end(self, unit: str) -> dict[str, Any]:
        """Return how the unit ended."""
        return notes.read(self.notes, "end", "unit", unit, 1)[0]


@pytest.fixture(scope="module", params=QUEUES)
def system(
    request: pytest.FixtureRequest, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Each queue in turn, with a worker."""
    pytest.importorskip(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    with System(request.param, redis_url.removesuffix("/0") + "/7", folder) as system:
        yield system
