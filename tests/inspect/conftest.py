"""Fixtures for the tests of ``headrace check``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.check_kit import Folder


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Folder:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path, capsys)
