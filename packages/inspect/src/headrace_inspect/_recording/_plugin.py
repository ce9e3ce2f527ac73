"""The pytest plugin: ``--headrace-evidence FILE``. Without the option it imports nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = "headrace_evidence"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    says = "record in FILE which steps the tests run, for headrace check --evidence FILE"
    parser.getgroup("headrace").addoption("--headrace-evidence", metavar="FILE", help=says)


def pytest_configure(config: pytest.Config) -> None:
    """Record, if that is asked for; in a worker of xdist for the process that started it."""
    folder = getattr(config, "workerinput", {}).get(_FOLDER)
    file = config.getoption("--headrace-evidence")
    if folder is not None:
        config.pluginmanager.register(_Recording(folder), "headrace-evidence")
    elif file is not None:
        path = config.invocation_params.dir / file
        if not path.parent.is_dir():
            raise pytest.UsageError(f"--headrace-evidence: there is no folder {path.parent}")
        config.pluginmanager.register(_Collecting(path), "headrace-evidence")


class _Recording:
    """Records the steps of this process."""

    def __init__(self, folder: str) -> None:
        from ._writing import record

        self.folder = folder
        self._stop: Callable[[], None] = record(folder)

    def pytest_unconfigure(self) -> None:
        """Record no longer."""
        self._stop()


class _Collecting(_Recording):
    """Records the steps of this process and of those that it starts, and writes the file."""

    def __init__(self, file: Path) -> None:
        from ._writing import inherited

        super().__init__(tempfile.mkdtemp(prefix="headrace-evidence-"))
        self._file = file
        self._environment = {name: os.environ.get(name) for name in inherited(self.folder)}
        os.environ.update(inherited(self.folder))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where to write."""
        node.workerinput[_FOLDER] = self.folder

    def pytest_unconfigure(self) -> None:
        """Put together what all processes recorded."""
        from ._joining import write_runs

        super().pytest_unconfigure()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        write_runs(self.folder, self._file)
        shutil.rmtree(self.folder, ignore_errors=True)
