"""Draws the pictures of the README and of the documentation: ``python docs/pictures/draw.py``.

With ``--check`` nothing is written, and the exit status is 2 if a picture is out of date.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from layers import picture

from headrace.__main__ import main
from headrace._drawing import svg

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
    flows = max(
        main(["graph", *words, "--app", "shop", "-o", name, *options])
        for name, words in PICTURES.items()
    )
    return max(flows, draw_layers(*options))


def draw_layers(*options: str) -> int:
    """Draw the layers of the core; return the exit status."""
    file, drawing = Path("layers.svg"), svg.draw(picture()).replace(" steps", " parts") + "\n"
    if not options:
        file.write_text(drawing, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != drawing:
        print("layers.svg is out of date", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(draw(*sys.argv[1:]))
