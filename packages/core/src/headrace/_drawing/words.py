"""Text in drawings: full names, locations, notes; and the resource files of this package."""

from __future__ import annotations

import functools
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from headrace._messages.text import printable

from .figures import edge_words, step_words

if TYPE_CHECKING:
    from headrace._step_info import StepNote

    from .picture import Edge, Node


def place(node: Node) -> str:
    """Return ``file:line`` of the step, or ``""``."""
    if node.info is None or not node.info.file:
        return ""
    return printable(f"{short_path(node.info.file)}:{node.info.line}")


def short_path(file: str) -> str:
    """Return `file` relative to the current folder or to the module search path.

    Drawings are then the same on every machine and reveal nothing about it.
    """
    path = Path(file)
    if not path.is_absolute():
        return path.as_posix()
    installed = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    others = sorted((entry for entry in sys.path if entry), key=len, reverse=True)
    for folder in (*installed, str(Path.cwd()), *others):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.as_posix()


def note_text(note: StepNote) -> str:
    """Return a note as a few words, such as ``retries 3`` or ``when order.is_new``."""
    return printable(f"{note.kind} {note.text}".rstrip())


def describe_node(node: Node) -> str:
    """Describe a step in lines; the first begins with its full name."""
    info = node.info
    lines = [printable(node.id), place(node)]
    kinds = [
        "entrypoint" if node.is_entrypoint else "",
        {"function": "", "foreign": "step of another flow", "unknown": "not declared"}.get(
            node.kind, node.kind
        ),
    ]
    lines.append(", ".join([word for word in kinds if word] + [note_text(n) for n in node.notes]))
    lines.append(printable(info.description) if info else "")
    lines.append(", ".join(step_words(node.figures)))
    return "\n".join(line for line in lines if line)


def describe_edge(edge: Edge) -> str:
    """Describe the edge in words."""
    words = [
        *([] if edge.kind == "call" else [edge.kind]),
        *([edge.verdict.replace("_", " ")] if edge.verdict else []),
        *edge_words(edge.figures),
    ]
    about = f" ({', '.join(words)})" if words else ""
    return printable(f"{edge.source} → {edge.target}{about}")


@functools.cache
def read_resource(name: str) -> str:
    """Return the text of the resource file `name` of this package."""
    return files("headrace._drawing").joinpath(name).read_text("utf-8")
