"""JSON for other programs, described by docs/reference/graph.schema.json."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .figures import figures_json
from .words import short_path

if TYPE_CHECKING:
    from .picture import Edge, Node, Picture

VERSION = 1

# Legal in JSON, but unsafe in common places for JSON: terminals, scripts, UTF-8 files.
_risky = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff<>&]")


def draw(picture: Picture) -> str:
    """Return the picture as JSON, with unescaped names."""
    document = {
        "schema": "headrace.graph",
        "version": VERSION,
        "title": picture.title,
        "flows": list(picture.flows),
        "nodes": [_node(node) for node in picture.nodes],
        "edges": [_edge(edge) for edge in picture.edges],
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return _risky.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _node(node: Node) -> dict[str, Any]:
    info = node.info
    fields = {
        "id": node.id,
        "name": node.label,
        "flow": info.flow if info else node.flow,
        "kind": node.kind,
        "entrypoint": node.is_entrypoint,
        "description": info.description if info else "",
        "file": short_path(info.file) if info and info.file else None,
        "line": info.line if info and info.file else None,
        "notes": [{"kind": note.kind, "text": note.text} for note in node.notes],
    }
    return fields | {"figures": figures_json(node.figures)} if node.figures else fields


def _edge(edge: Edge) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": edge.identity,
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "crosses": edge.crosses,
    }
    fields |= {"verdict": edge.verdict} if edge.verdict else {}
    return fields | {"figures": figures_json(edge.figures)} if edge.figures else fields
