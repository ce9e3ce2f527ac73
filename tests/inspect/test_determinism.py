"""What a check says does not depend on the seed of hashes, in whose order sets are iterated."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.inspect.corpus_kit import CORPUS


def test_seed_of_hashes_makes_no_difference() -> None:
    """Evidence and findings of the corpus are the same in two processes."""
    reports = [
        subprocess.run(
            [sys.executable, "-m", "headrace", "check", str(CORPUS), "--format", "json"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        ).stdout
        for seed in ("1", "2")
    ]

    assert reports[0] == reports[1]
    assert b'"evidence"' in reports[0]
