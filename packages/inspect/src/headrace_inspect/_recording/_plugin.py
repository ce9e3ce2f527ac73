"""The pytest plugin: ``--headrace-evidence FILE``. Without the option it imports nothing."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from typing import Any

import pytest

_FOLDER = "headrace_evidence"
_folder = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    says = "record in FILE which steps the tests run, for headrace check --evidence FILE"
    parser.getgroup("headrace").addoption("--headrace-evidence", metavar="FILE", help=says)


def pytest_configure(config: pytest.Config) -> None:
    """Record, if that is asked for; in a worker of xdist for the process that started it."""
    folder: str | None = getattr(config, "workerinput", {}).get(_FOLDER)
    file: str | None = config.getoption("--headrace-evidence")
    if folder is None and file is None:
        return
    from ._joining import write_runs
    from ._writing import inherited, record

    if folder is None:
        path = config.invocation_params.dir / str(file)
        if not path.parent.is_dir():
            raise pytest.UsageError(f"--headrace-evidence: there is no folder {path.parent}")
        folder = tempfile.mkdtemp(prefix="headrace-evidence-")
        environment = pytest.MonkeyPatch()
        for name, value in inherited(folder).items():
            environment.setenv(name, value)
        # What is added last runs first.
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
        config.add_cleanup(partial(write_runs, folder, path))
        config.add_cleanup(environment.undo)
    config.stash[_folder] = folder
    config.add_cleanup(record(folder))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where to write."""
    if _folder in node.config.stash:
        node.workerinput[_FOLDER] = node.config.stash[_folder]
