"""The real consumers of the pictures: Graphviz, and Chromium with Mermaid and axe-core.

A test that needs one is skipped where it is missing; with ``HEADRACE_REQUIRE_CONSUMERS=1``, which
``nox -s pictures`` sets, that is a failure. ``HEADRACE_NODE_MODULES`` is the folder with the npm
packages, ``HEADRACE_SCREENSHOTS`` the one in which screenshots are kept.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be missing."""
    if os.environ.get("HEADRACE_REQUIRE_CONSUMERS"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing; `nox -s pictures` installs it")


@pytest.fixture(scope="session")
def dot() -> str:
    """The path of Graphviz's dot."""
    return shutil.which("dot") or missing("Graphviz")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome") or missing("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def mermaid_js() -> Path:
    """Mermaid, as one file for the browser."""
    return script("mermaid/dist/mermaid.min.js")


@pytest.fixture(scope="session")
def axe_js() -> Path:
    """axe-core, as one file for the browser."""
    return script("axe-core/axe.min.js")


def script(name: str) -> Path:
    """Return the file `name` of an npm package."""
    folder = os.environ.get("HEADRACE_NODE_MODULES")
    if folder is None:
        missing(f"npm's {name.partition('/')[0]} (HEADRACE_NODE_MODULES)")
    return Path(folder, name)


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which screenshots are kept."""
    folder = os.environ.get("HEADRACE_SCREENSHOTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path
