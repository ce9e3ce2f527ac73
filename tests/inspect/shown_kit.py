"""Which edges of small programs the code shows, and with which evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from headrace_inspect._pipeline import Analysis, analyse
from headrace_inspect._report import Edge
from headrace_inspect._sources import read_files
from tests.inspect.program_kit import write

HEAD = """\
from headrace import entrypoint, flow, step

f = flow("f")


@f.step(after="start")
def a(*args): ...


@f.step(after="a")
def b(*args): ...


"""
_start = re.compile(r"^((async )?def) start\b", re.MULTILINE)


def analyse_folder(folder: Path) -> Analysis:
    """Analyse the program in a folder."""
    contents, problems = read_files([str(folder)])
    assert problems == []
    return analyse([str(folder)], contents, [])


def shown(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """Return the kinds of the edges that a program shows, by ``source -> target``."""
    return {
        f"{source[1]} -> {target[1]}": edge.kind
        for (source, target), edge in analyse_folder(write(folder, files)).edges.items()
        if edge.by
    }


def shown_after(folder: Path, code: str, **files: str) -> str | None:
    """Return how ``start`` and the rest of `code` run the step b behind the step a, or None.

    The steps are functions of the same module; ``start`` becomes the entrypoint.
    """
    program = HEAD + _start.sub(r"@f.entrypoint\n\g<0>", code)
    more = {f"{name}.py": text for name, text in files.items()}
    return shown(folder, {"program.py": program, **more}).get("a -> b")


def places(edges: Iterable[Edge], edge: str) -> list[tuple[str, int, str]]:
    """Return the file, line and kind of each link that shows an edge."""
    (found,) = [one for one in edges if one.id == edge]
    return [(Path(one.place.file).name, one.place.line, one.kind) for one in found.evidence]
