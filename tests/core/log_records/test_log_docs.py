"""The recipes in docs/howto/logging.md that are project files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "logging.md"
TESTS = """
import logging

import headrace
import pytest

log = logging.getLogger("shop")
log.warning("collected")


@pytest.fixture
def prepared():
    log.warning("prepared")
    yield
    log.warning("cleaned")


def test_order(prepared, caplog):
    with headrace.open_context("order-7"):
        log.warning("ordered")
    assert "order-7 shop: ordered" in caplog.text
    raise AssertionError("show the log")
"""


def block(name: str) -> str:
    """Return the page's code block that begins with `# name`."""
    pattern = rf"^```\w+\n(# {re.escape(name)}\n.*?)^```$"
    (code,) = re.findall(pattern, PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return str(code)


@pytest.mark.guarantee(71)
@pytest.mark.guarantee(73)
@pytest.mark.parametrize("live", ["true", "false"])
def test_pytest_s_log_has_the_id(tmp_path: Path, live: str) -> None:
    """With the page's `conftest.py`, `log_format` may name the ID: live, in a file, in reports."""
    (tmp_path / "conftest.py").write_text(block("conftest.py"), encoding="utf-8")
    options = block("pytest.ini").replace("log_cli = true", f"log_cli = {live}")
    options += "log_file_format = %(flow_id)s %(message)s\n"
    (tmp_path / "pytest.ini").write_text(options, encoding="utf-8")
    (tmp_path / "test_shop.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--log-file=log.txt"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={name: os.environ[name] for name in os.environ if not name.startswith("PYTEST")},
        text=True,
        timeout=120,
    )
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "AssertionError: show the log" in done.stdout
    assert "order-7 shop: ordered" in done.stdout
    logged = (tmp_path / "log.txt").read_text("utf-8").splitlines()
    assert logged == ["- collected", "- prepared", "order-7 ordered", "- cleaned"]
