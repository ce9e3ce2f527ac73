"""The README's quick start, as a user who pastes it into a file sees it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_quick_start_prints_lines_that_carry_an_id(tmp_path: Path) -> None:
    """Every log line of the pasted script has an ID, one for each of the two orders."""
    script = tmp_path / "quick_start.py"
    first_block = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert first_block is not None
    script.write_text(first_block.group(1), "utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", script], capture_output=True, text=True, check=True
    )
    lines = ran.stderr.splitlines()
    ids = [re.match(r"[\d:.]{12} INFO     ([0-9a-f]{8}) .+ \[", line) for line in lines]
    assert all(ids), lines
    assert len({found.group(1) for found in ids if found}) == 2
    assert len(lines) == 10
    assert ran.stdout == "graph TD\n    receive --> charge\n"
