"""Writes down each step that begins, at once, so that a process may end in any way."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from headrace.testing import CapturedStep, CapturedUnit, capture

VARIABLE = "HEADRACE_EVIDENCE"
_SITE = os.path.join(os.path.dirname(__file__), "site")
# In a tuple, since libraries that stop the clock for a test replace what modules import.
_clock = (time.monotonic_ns,)


def record(folder: str) -> Callable[[], None]:
    """Write the steps that begin in this process and its forks; return how to stop."""
    stack = ExitStack()
    captured = stack.enter_context(capture())
    captured.steps, captured.units = _Steps(folder), _Nothing()
    return stack.close


def inherited(folder: str) -> Mapping[str, str]:
    """Return the environment with which Python processes that are started record, too."""
    paths = [_SITE, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {VARIABLE: folder, "PYTHONPATH": os.pathsep.join(paths)}


class _Nothing(list[CapturedUnit]):
    """A list that stays empty: units are not kept."""

    def append(self, unit: CapturedUnit) -> None:
        """Forget the unit."""


class _Steps(list[CapturedStep]):
    """A list that writes added steps to a file; repeats within an operation are mostly left out."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self._process = 0
        self._file = -1
        self._operation = ""
        self._seen: set[tuple[str, str, str]] = set()

    def append(self, step: CapturedStep) -> None:
        """Write a step down."""
        key = step.correlation_id, step.flow, step.name
        if key in self._seen:
            return
        if step.correlation_id != self._operation:
            self._operation, self._seen = step.correlation_id, set()
        self._seen.add(key)
        if self._process != os.getpid():  # each process has a file of its own, forked ones too
            path = os.path.join(self._folder, f"{uuid.uuid4().hex}.jsonl")
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._process = os.getpid()
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
        line = [step.correlation_id, _clock[0](), step.flow, step.name, test]
        os.write(self._file, json.dumps(line).encode() + b"\n")
