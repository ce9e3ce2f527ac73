"""How steps reach each other, construct by construct: each must be seen for what it is.

The programs stand in the folder ``constructs``, each below a line with its name and the verdict
that a careful reader gives the edge from the step ``a`` to the step ``b``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.inspect.program_kit import check_text, verdicts

CONSTRUCTS = Path(__file__).parent / "constructs"
HEAD = """
from headrace import entrypoint, flow, step

f = flow("f")


@f.step(after="start")
def a(*args): ...


@f.step(after="a")
def b(*args): ...


"""
ASYNC_HEAD = HEAD.replace("def ", "async def ")
_title = re.compile(r"^# === (.+): (.+)$", re.MULTILINE)
_start = re.compile(r"^(async def|def) start\b", re.MULTILINE)


def cases() -> list[object]:
    """Return the name, the program and the verdict of each construct."""
    found = []
    for path in sorted(CONSTRUCTS.glob("*.py")):
        head = ASYNC_HEAD if path.stem == "awaited" else HEAD
        _, *parts = _title.split(path.read_text("utf-8"))
        for name, verdict, code in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            program = head + _start.sub(r"@f.entrypoint\n\g<0>", code)
            found.append(pytest.param(program, verdict, id=f"{path.stem}: {name}"))
    return found


@pytest.mark.parametrize(("program", "verdict"), cases())
def test_sees_what_comes_before(tmp_path: Path, program: str, verdict: str) -> None:
    """The edge from a to b has the verdict of a careful reader of the program."""
    assert verdicts(check_text(tmp_path, program))["a -> b"] == verdict


def test_knows_many_constructs() -> None:
    """The table is there, and not empty for a mistyped title."""
    assert len(cases()) >= 200
