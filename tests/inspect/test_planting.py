"""The check finds what `nox -s robustness` plants into modules, or it would look at nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_inspect._check import check
from tests.inspect.planting_kit import MOST_STEPS, with_flow
from tests.inspect.program_kit import verdicts

MODULE = '''"""A module."""
from __future__ import annotations
import functools

@functools.cache
def first(): return second()

def second(): ...

class Robot:
    @staticmethod
    def go():
        first()

    async def stop(self): self.go()
'''


@pytest.mark.parametrize(
    "content",
    [
        MODULE.encode(),
        MODULE.replace("\n", "\r\n").encode(),
        b"# coding: latin-1\n" + MODULE.replace("A", "Ä").encode("latin-1"),
        MODULE.rstrip().encode(),
    ],
    ids=["plain", "CRLF", "latin-1", "no end of line"],
)
def test_planted_flow_is_what_the_code_does(tmp_path: Path, content: bytes) -> None:
    """Functions become steps after those that call them, and the check shows it."""
    planted = with_flow(content, "planted")
    assert planted is not None
    (tmp_path / "module.py").write_bytes(planted)
    report = check([str(tmp_path)])

    assert report.problems == []
    assert verdicts(report) == {
        "Robot-go -> first": "shown call",
        "Robot-stop -> Robot-go": "shown call",
        "first -> second": "shown call",
    }


def test_long_modules_get_some_steps_alone() -> None:
    """However long a module is, so many of its functions become steps and no more."""
    lines = [f"def f{number}():\n    f{number + 1}()\n" for number in range(100)]
    planted = with_flow("".join(lines).encode(), "planted") or b""

    assert planted.count(b"@_flow.") == MOST_STEPS


def test_what_does_not_parse_gets_no_flow() -> None:
    """There is nothing to plant into a module that is no Python."""
    assert with_flow(b"def f(:\n", "planted") is None


def test_module_without_functions_stays_as_it_is() -> None:
    """There is nothing to plant there either."""
    assert with_flow(b"x = 1\n", "planted") == b"x = 1\n"
