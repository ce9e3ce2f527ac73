"""Files of lines that other processes are still writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def whole_lines(path: Path) -> list[str]:
    """Return the lines of `path`, without a last one that is still being written."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]
