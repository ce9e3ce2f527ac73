"""The suite's own shape."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]


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
