"""A few histories of killed processes; `nox -s crash_soak` runs more, on PostgreSQL too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.dbos.crash.history import history_of

ROOT = Path(__file__).parents[2]
SEEDS = (3, 5)


def test_histories_with_crashes_end_with_each_outcome_recorded_once(tmp_path: Path) -> None:
    """Effects happen once, and once more for each crash before their record; IDs are kept."""
    code = (
        "import sys; from pathlib import Path;"
        "from tests.dbos.crash.soak import run; from tests.dbos.crash.history import history_of\n"
        f"for seed in {SEEDS}:\n"
        "    folder = Path(sys.argv[1], str(seed)); folder.mkdir()\n"
        "    sys.stdout.write(str(run(history_of(seed), f'sqlite:///{folder}/runs', str(folder))))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sum(map(int, done.stdout)) >= 1, "no process was killed"


def test_a_history_is_the_same_each_time() -> None:
    """A seed that failed can be run again."""
    assert history_of(7) == history_of(7)
    assert history_of(7) != history_of(8)
