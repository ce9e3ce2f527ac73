"""Draws the layers of the core as its import contract and its imports state them: layers.svg.

An arrow leads from a folder to one that it imports, unless other arrows imply it. With ``--check``
nothing is written, and the exit status is 2 if the picture is out of date.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from headrace._drawing import svg
from headrace._drawing.picture import Edge, Node, Picture

CORE = Path(__file__).resolve().parents[2] / "packages" / "core"
SOURCE = CORE / "src" / "headrace"
FILE = Path(__file__).with_name("layers.svg")


def levels() -> dict[str, list[str]]:
    """Return the folders and modules of each level by its title, the highest level first."""
    text = (CORE / "imports.ini").read_text(encoding="utf-8")
    block = re.search(r"^layers =\n((?: +.*\n)+)", text, re.MULTILINE)
    assert block is not None
    titles = re.findall(r"# (.*)\n +(.*)", block[1])
    return {title: members.split(" | ") for title, members in titles}


def imported(part: str) -> set[str]:
    """Return the folders and modules of the core that `part` imports, lazy imports included."""
    path = SOURCE / part
    files = path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                below = node.module if node.level == 0 else None
                inside = not path.is_dir() and node.level == 1
                words = f"headrace.{node.module or ''}" if inside else below or ""
                names = [f"{words}.{each.name}".replace("..", ".") for each in node.names]
                found |= {name.split(".")[1] for name in names if name.startswith("headrace.")}
    return found - {part}


def reduced(edges: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return the edges that no longer path implies."""

    def reachable(start: str) -> set[str]:
        return {start}.union(*(reachable(each) for each in edges[start]))

    return [
        (source, target)
        for source, targets in edges.items()
        for target in sorted(targets)
        if not any(target in reachable(other) for other in targets - {target})
    ]


def picture() -> Picture:
    """Return the picture: a group for each level."""
    members = levels()
    level_of = {part: title for title, parts in members.items() for part in parts}
    rank = {title: number for number, title in enumerate(members)}
    edges = {
        part: {
            other
            for other in imported(part) & level_of.keys()
            if rank[level_of[other]] > rank[title]
        }
        for part, title in level_of.items()
    }
    nodes = [Node(part, part, title, "function", None) for part, title in level_of.items()]
    arrows = [Edge(*pair, "call", crosses=False, identity="") for pair in reduced(edges)]
    return Picture("layers of the core", tuple(members), tuple(nodes), tuple(arrows))


def draw(*options: str) -> int:
    """Draw the picture; return the exit status."""
    drawing = svg.draw(picture()).replace(" steps", " parts") + "\n"
    if not options:
        FILE.write_text(drawing, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != drawing:
        print(f"{FILE.name} is out of date", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(draw(*sys.argv[1:]))
