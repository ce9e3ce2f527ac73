"""The pytest plugin: ``--headrace-evidence FILE``. Without the option it imports nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

_FOLDER = "headrace_evidence"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    says = "record in FILE which steps the tests run, for headrace check --evidence FILE"
    parser.getgroup("headrace").addoption("--headrace-evidence", metavar="FILE", help=says)


def pytest_configure(config: pytest.Config) -> None:
    """Record, if that is asked for; in a worker of xdist for the process that started it."""
    folder = getattr(config, "workerinput", {}).get(_FOLDER)
    file = config.getoption("--headrace-evidence")
    if folder is None and file is not None:
        path = config.invocation_params.dir / file
        if not path.parent.is_dir():
            raise pytest.UsageError(f"--headrace-evidence: there is no folder {path.parent}")
        folder = tempfile.mkdtemp(prefix="headrace-evidence-")
        config.pluginmanager.register(_Recording(folder, path), "headrace-evidence")
    elif folder is not None:
        config.pluginmanager.register(_Recording(folder, None), "headrace-evidence")


class _Recording:
    """Records steps in `folder`, and joins them in `file`, which is None in an xdist worker."""

    def __init__(self, folder: str, file: Path | None) -> None:
        from ._writing import inherited, record

        self._folder = folder
        self._file = file
        self._stop = record(folder)
        self._environment = pytest.MonkeyPatch()
        for name, value in inherited(folder).items() if file is not None else ():
            self._environment.setenv(name, value)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where to write."""
        node.workerinput[_FOLDER] = self._folder

    def pytest_unconfigure(self) -> None:
        """Put together what all processes recorded."""
        self._stop()
        self._environment.undo()
        if self._file is not None:
            from ._joining import write_runs

            write_runs(self._folder, self._file)
            shutil.rmtree(self._folder, ignore_errors=True)
