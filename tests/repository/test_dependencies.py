"""Dependencies point one way, and the rule that says so is seen to fail.

Ruff is the rule: TID251 bans the frameworks in the core, PLC2701 and SLF001 refuse the core's
private names elsewhere. PLC2701 lets a name pass that only annotations use; `private_imports`
closes that.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = {"PLC2701", "SLF001", "TID251"}
CORE = "packages/core/src/headrace/planted.py"
FLASK = "packages/flask/src/headrace_flask/planted.py"


def broken_rules(tree: Path, path: str) -> set[str]:
    """Return the codes that `ruff check`, with the project's settings, reports for a file."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json"]
    run = subprocess.run([*command, path], cwd=tree, capture_output=True, text=True, check=False)
    assert run.returncode in {0, 1}, run.stderr
    return {finding["code"] for finding in json.loads(run.stdout)}


def private_imports(path: Path) -> list[str]:
    """Return the imports of the core's underscore modules and names in the file `path`."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in found if re.match(r"headrace\.(\w+\.)*_(?!_)", name)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and of the settings, to plant violations in."""
    tree = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", tree)
    shutil.copytree(ROOT / "packages", tree / "packages")
    return tree


@pytest.mark.parametrize(
    ("path", "code", "rule"),
    [
        (CORE, "import django", "TID251"),
        (CORE, "from starlette.types import ASGIApp", "TID251"),
        (CORE, "def late():\n    import flask.globals", "TID251"),
        (CORE, "if TYPE_CHECKING:\n    from celery import Celery", "TID251"),
        (CORE, "import headrace_flask", "TID251"),
        (FLASK, "from headrace._context.model import Unit\nUnit()", "PLC2701"),
        (FLASK, "from headrace import _context\n_context.Unit()", "PLC2701"),
        (FLASK, "import headrace._context.model as c\nc.Unit()", "PLC2701"),
        (FLASK, "import headrace\nheadrace._context.Unit()", "SLF001"),
    ],
)
def test_planted_violation_fails_the_lint(copy: Path, path: str, code: str, rule: str) -> None:
    """Each way against the direction of dependencies is reported by the rule meant for it."""
    planted = copy / path
    planted.write_text(code + "\n")
    try:
        assert rule in broken_rules(copy, path)
    finally:
        planted.unlink()


@pytest.mark.parametrize(
    "code", ["from headrace import FlowContext\nFlowContext", "import headrace.asgi\nheadrace.asgi"]
)
def test_public_names_of_the_core_are_allowed(copy: Path, code: str) -> None:
    """An integration that imports a public module or name breaks none of the rules."""
    planted = copy / FLASK
    planted.write_text(code + "\n")
    try:
        assert broken_rules(copy, FLASK) & RULES == set()
    finally:
        planted.unlink()


def test_private_import_for_annotations_is_found(tmp_path: Path) -> None:
    """A private name that only annotations use, which ruff lets pass, is found all the same."""
    planted = tmp_path / "planted.py"
    planted.write_text(
        "from headrace._context.model import Unit\n\ndef f(unit: Unit) -> None: ...\n"
    )
    assert private_imports(planted) == ["headrace._context.model.Unit"]


def test_integrations_import_public_modules_only() -> None:
    """No integration imports a private module or name of the core, in any form."""
    files = [
        path
        for path in ROOT.glob("packages/*/src/**/*.py")
        if ROOT / "packages" / "core" not in path.parents
    ]
    assert {str(path): private_imports(path) for path in files if private_imports(path)} == {}
