"""The test at the end of each page of docs/migrating passes, in a process of its own.

The other libraries connect signals and add handlers when they are imported, so they stay out of the
process of the other tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "migrating"
DISTRIBUTIONS = {
    "asgi-correlation-id": "asgi-correlation-id",
    "django-guid": "django-guid",
    "django-structlog": "django-structlog",
    "flask-log-request-id": "flask-3-log-request-id",
    "py-stepchain": "py-stepchain",
    "starlette-context": "starlette-context",
}
"""The pages whose test runs another library, and that library's distribution."""
SETTINGS = r"""
[pytest]
filterwarnings =
    error
    default::DeprecationWarning:(?!headrace|test_both)
"""
"""Other libraries may call what is deprecated; we and the page may not."""
TEST = re.compile(r"```python\n(# test_both\.py\n.*?)```", re.DOTALL)


def test_each_page_with_a_test_is_listed() -> None:
    """No page has a test that is never run."""
    pages = {page.stem for page in PAGES.glob("*.md") if TEST.search(page.read_text("utf-8"))}
    assert pages == set(DISTRIBUTIONS)


@pytest.mark.parametrize("page", DISTRIBUTIONS)
def test_both_agree(page: str, tmp_path: Path) -> None:
    """The page's test passes as it is printed, without a warning of ours."""
    try:
        version(DISTRIBUTIONS[page])
    except PackageNotFoundError:
        pytest.skip(f"{DISTRIBUTIONS[page]} is not installed")
    found = TEST.search((PAGES / f"{page}.md").read_text("utf-8"))
    assert found
    (tmp_path / "test_both.py").write_text(found[1], "utf-8")
    (tmp_path / "pytest.ini").write_text(SETTINGS, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
