"""The suite's own shape."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PACKAGES = TESTS.parent / "packages"
CHAIN_TASK = ("_chain_driver.py", "_chain_task.py", "_progress.py")


def undocumented(path: Path) -> list[str]:
    """Return the test functions of the module `path` that have no docstring."""
    tree = ast.parse(path.read_bytes())
    functions = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        f"{path.relative_to(TESTS)}:{node.lineno} {node.name}"
        for node in functions
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]


def test_each_test_says_what_is_expected() -> None:
    """Each test function has a docstring, so that the tests read as the specification."""
    found = [line for path in sorted(TESTS.rglob("test_*.py")) for line in undocumented(path)]
    assert found == []


def test_no_test_folder_shadows_a_framework() -> None:
    """A folder such as tests/django is no package, so `import django` can never find it."""
    assert list(TESTS.glob("*/__init__.py")) == []


def test_the_picture_of_the_layers_is_current() -> None:
    """docs/pictures/layers.svg shows the layers as the contract and the imports state them now."""
    script = TESTS.parent / "docs" / "pictures" / "layers.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), "run docs/pictures/layers.py"


@pytest.mark.parametrize(
    ("folder", "files", "most"),
    [("dbos/src/headrace_dbos", ("*.py",), 800), ("celery/src/headrace_celery", CHAIN_TASK, 250)],
)
def test_drivers_of_chains_stay_small(folder: str, files: tuple[str, ...], most: int) -> None:
    """The code between chains and an engine has at most so many lines; the rest is in the core."""
    paths = [path for name in files for path in (PACKAGES / folder).rglob(name)]
    assert len(paths) >= len(files)
    assert sum(len(path.read_text("utf-8").splitlines()) for path in paths) <= most
