"""docs/reference/guarantees.md and the tests agree."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def rows() -> list[int]:
    """Return the numbers of the rows of docs/reference/guarantees.md, in their order."""
    text = (ROOT / "docs" / "reference" / "guarantees.md").read_text(encoding="utf-8")
    return [int(number) for number in re.findall(r"^\|\s*(\d+)\s*\|", text, flags=re.MULTILINE)]


def marks(path: Path) -> set[int]:
    """Return the numbers in the `guarantee(...)` marks of the test module `path`."""
    calls = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))
    return {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "guarantee"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    }


@cache
def proven() -> set[int]:
    """Return the numbers that some test of the suite is marked with."""
    return set().union(*(marks(path) for path in (ROOT / "tests").rglob("*.py")))


def test_each_guarantee_has_a_test() -> None:
    """Each row of the page is proven by at least one test marked with its number."""
    assert set(rows()) - proven() == set()


def test_each_mark_has_a_guarantee() -> None:
    """Each number in a mark is the number of a row of docs/reference/guarantees.md."""
    assert proven() - set(rows()) == set()


def test_guarantees_are_numbered_once() -> None:
    """No number stands in two rows."""
    assert len(rows()) == len(set(rows()))
