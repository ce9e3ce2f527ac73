"""Draws the flows in the README and the documentation: ``python docs/pictures/draw.py``.

With ``--check`` nothing is written, and the exit status is 2 if a picture is out of date.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from headrace.__main__ import main

HERE = Path(__file__).resolve().parent

PICTURES = {
    "order.svg": ["order"],
    "imports.svg": ["imports"],
    "map.svg": ["order", "warehouse", "mail"],
    "map.html": ["order", "warehouse", "mail"],
}


def draw(*options: str) -> int:
    """Draw every picture; return the exit status."""
    os.chdir(HERE)  # the places in the pictures begin here
    return max(
        main(["graph", *words, "--app", "shop", "-o", name, *options])
        for name, words in PICTURES.items()
    )


if __name__ == "__main__":
    sys.exit(draw(*sys.argv[1:]))
