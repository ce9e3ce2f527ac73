"""Dependencies point one way, and the rules that say so are seen to fail.

The import contracts (``imports.ini``) say which modules import which. Ruff refuses what is no
import of a module: private names of public modules (PLC2701) and of attributes (SLF001).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.repository import import_contracts

ROOT = Path(__file__).parents[2]
CORE = "core/src/headrace/"
FLASK = "flask/src/headrace_flask/planted.py"
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "

LEVELS = "Folders import from the levels below"
CYCLES = "No module imports itself by way of others"
FRAMEWORKS = "The core knows no framework"
INTEGRATIONS = "Integrations import the core, never each other"
PRIVATE = "Nobody imports the private modules of the core"

BROKEN = re.compile(r"^(.*) BROKEN", re.MULTILINE)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and of the settings, to plant violations in."""
    tree = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", tree)
    shutil.copytree(ROOT / "packages", tree / "packages")
    return tree / "packages"


@contextmanager
def planted(packages: Path, files: dict[str, str]) -> Iterator[None]:
    """Append to `files` what they are mapped to, or create them, for the length of the block."""
    before = {
        path: path.read_text() if path.exists() else None for path in map(packages.joinpath, files)
    }
    try:
        for path, code in zip(before, files.values(), strict=True):
            path.write_text(f"{before[path] or ''}\n{code}\n")
        yield
    finally:
        for path, text in before.items():
            path.unlink() if text is None else path.write_text(text)


def broken_contracts(contracts: Path) -> tuple[set[str], set[str]]:
    """Return the contracts of a file that are broken: with all imports, and at run time."""
    command = [sys.executable, "-m", "tests.repository.import_contracts", str(contracts)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode in {0, 1}, run.stderr
    types, run_time = run.stdout.split(": run time\n")
    assert "Contracts: " in types, run.stdout
    assert "Contracts: " in run_time, run.stdout
    found = [set(BROKEN.findall(part)) for part in (types, run_time)]
    assert any(found) == bool(run.returncode), run.stdout
    return found[0], found[1]


def test_each_package_has_contracts() -> None:
    """One file for each package and one for all of them; `nox -s lint` checks the contracts."""
    files = sorted(ROOT.glob("packages/**/imports.ini"))
    assert [path.parent.name for path in files] == [
        *("celery", "core", "dbos", "django", "fastapi", "flask", "packages", "inspect"),
        *("queues", "trace"),
    ]


@pytest.mark.parametrize(
    ("files", "types", "run_time"),
    [
        pytest.param(
            {f"{CORE}_context/planted.py": "from headrace._flows import registry"},
            *({LEVELS, CYCLES}, {LEVELS, CYCLES}),
            id="a higher level",
        ),
        pytest.param(
            {f"{CORE}_context/planted.py": "def late():\n    import headrace.asgi"},
            *({LEVELS, CYCLES}, {LEVELS, CYCLES}),
            id="a higher level, late",
        ),
        pytest.param(
            {f"{CORE}_context/planted.py": f"{FOR_TYPES}import headrace._http.rules"},
            *({LEVELS, CYCLES}, set()),
            id="a higher level, for types",
        ),
        pytest.param(
            {f"{CORE}_flows/planted.py": "from headrace._observation import dispatch"},
            *({LEVELS}, {LEVELS}),
            id="another folder of the same level",
        ),
        pytest.param({f"{CORE}_planted.py": ""}, {LEVELS}, {LEVELS}, id="a module of no level"),
        pytest.param(
            {
                f"{CORE}_messages/one.py": "from . import two",
                f"{CORE}_messages/two.py": "def late():\n    from . import one",
            },
            *({CYCLES}, {CYCLES}),
            id="a cycle, one half of it late",
        ),
        pytest.param(
            {f"{CORE}_flows/registry.py": "def late():\n    from .flow import Flow"},
            *(set(), {CYCLES}),
            id="at run time what is allowed for types",
        ),
        pytest.param(
            {f"{CORE}_messages/planted.py": "from starlette.types import ASGIApp"},
            *({FRAMEWORKS}, {FRAMEWORKS}),
            id="a framework",
        ),
        pytest.param(
            {f"{CORE}_messages/planted.py": "def late():\n    import flask.globals"},
            *({FRAMEWORKS}, {FRAMEWORKS}),
            id="a framework, late",
        ),
        pytest.param(
            {f"{CORE}_messages/planted.py": f"{FOR_TYPES}from celery import Celery"},
            *({FRAMEWORKS}, set()),
            id="a framework, for types",
        ),
    ],
)
def test_a_planted_import_breaks_the_contract_of_the_core(
    packages: Path, files: dict[str, str], types: set[str], run_time: set[str]
) -> None:
    """Each way against the levels of the core is reported by the contract meant for it."""
    with planted(packages, files):
        assert broken_contracts(packages / "core" / "imports.ini") == (types, run_time)


@pytest.mark.parametrize(
    ("path", "code", "contract"),
    [
        (FLASK, "import headrace_celery", INTEGRATIONS),
        (f"{CORE}planted.py", "import headrace_flask", INTEGRATIONS),
        (f"{CORE}planted.py", f"{FOR_TYPES}from headrace_flask import Headrace", INTEGRATIONS),
        (FLASK, "from headrace._context.units import Unit", PRIVATE),
        (FLASK, "from headrace import _context", PRIVATE),
        (FLASK, "import headrace._context as c", PRIVATE),
        (FLASK, f"{FOR_TYPES}from headrace._context.units import Unit", PRIVATE),
    ],
)
def test_a_planted_import_breaks_the_contract_between_packages(
    packages: Path, path: str, code: str, contract: str
) -> None:
    """Integrations import the core's public modules, and nothing imports an integration."""
    with planted(packages, {path: code}):
        types, _ = broken_contracts(packages / "imports.ini")
    assert types == {contract}


def broken_rules(packages: Path, path: str) -> set[str]:
    """Return the codes that `ruff check`, with the project's settings, reports for a file."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json"]
    run = subprocess.run(
        [*command, path], cwd=packages, capture_output=True, text=True, check=False
    )
    assert run.returncode in {0, 1}, run.stderr
    return {finding["code"] for finding in json.loads(run.stdout)}


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("from headrace.integration import _private\n_private()", "PLC2701"),
        ("import headrace\nheadrace._context.Unit()", "SLF001"),
    ],
)
def test_planted_use_of_a_private_name_fails_the_lint(packages: Path, code: str, rule: str) -> None:
    """Private names of public modules, and private attributes, are reported by ruff."""
    with planted(packages, {FLASK: code}):
        assert rule in broken_rules(packages, FLASK)


@pytest.mark.parametrize(
    "code", ["from headrace import FlowContext\nFlowContext", "import headrace.asgi\nheadrace.asgi"]
)
def test_public_names_of_the_core_are_allowed(packages: Path, code: str) -> None:
    """An integration that imports a public module or name breaks none of the rules."""
    with planted(packages, {FLASK: code}):
        assert broken_rules(packages, FLASK) & {"PLC2701", "SLF001"} == set()
        assert broken_contracts(packages / "imports.ini") == (set(), set())


def test_the_runtime_configuration_has_no_exceptions(tmp_path: Path) -> None:
    """What only annotations may import is no exception for the imports of run time."""
    target = tmp_path / "imports.ini"
    import_contracts.at_run_time(ROOT / "packages" / "core" / "imports.ini", target)
    text = target.read_text()
    assert "ignore_imports" not in text
    assert "exclude_type_checking_imports = True" in text
