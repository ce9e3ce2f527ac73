"""The fixture that fails each test which leaves a context behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]

LEAKING = '''
import headrace

def test_leaks():
    """Enters and never leaves."""
    globals()["kept"] = headrace.open_context()
    globals()["kept"].__enter__()

def test_does_not_leak():
    """Enters and leaves, inside whatever was there before."""
    with headrace.open_context():
        assert headrace.get_flow_context() is not None
'''


def test_a_context_left_behind_fails_that_test_alone(tmp_path: Path) -> None:
    """The leaking test is reported with the reason, the next one passes."""
    target = tmp_path / "tests"
    target.mkdir()
    for name in ("__init__.py", "conftest.py", "brokers.py"):
        shutil.copy(TESTS / name, target)
    (target / "test_leaking.py").write_text(LEAKING)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(target)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "the test left a context behind" in run.stdout
    assert "2 passed, 1 error" in run.stdout
