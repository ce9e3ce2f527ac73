"""The README's example of the check, as a user who follows it sees it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(
    r"`src/parcels\.py`:\n\n```python\n(.*?)```.*?\$ headrace check src --require-shown\n(.*?)```",
    re.DOTALL,
)


def test_check_finds_what_the_readme_shows(tmp_path: Path) -> None:
    """The saved example has exactly the printed findings, and the exit status is 1."""
    found = EXAMPLE.search(README.read_text("utf-8"))
    assert found is not None
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "parcels.py").write_text(found[1], "utf-8")
    command = [sys.executable, "-m", "headrace", "check", "src", "--require-shown"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, found[2])
