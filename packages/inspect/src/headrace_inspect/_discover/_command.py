"""``headrace discover``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from headrace.commands import (
    PICTURE_FORMATS,
    CommandError,
    argument_parser,
    check_output,
    counted,
    draw,
    draw_chapters,
    nearest_name,
    printable,
    save,
    tell,
    write,
)
from headrace_inspect._analysing import analyse_contents, undisturbed
from headrace_inspect._check import contents_of
from headrace_inspect._formats._json import encoded, plain
from headrace_inspect._report import Problem
from headrace_inspect._settings import read_check_settings
from headrace_inspect._source._discovery import find_files, shown

from ._declaring import patch_for
from ._drawing import LARGE, Pictures
from ._map import Edge, Map, map_of
from ._nodes import Node

VERSION = 1
_ENDINGS = {
    ".dot": "dot", ".gv": "dot", ".htm": "html", ".html": "html", ".json": "json", ".svg": "svg",
    ".mermaid": "mermaid", ".mmd": "mermaid", ".txt": "text",
}  # fmt: skip
_DESCRIPTION = """\
Draw a map of a program that declares nothing: its routes, commands, schedules, tasks and signal
receivers, and how they reach each other. The source is read, and never imported. The exit status is
0, or 2 where something could not be analysed.
"""


def main(words: list[str]) -> int:
    """Draw as `words`, those after the command, say; return the exit status.

    Raises:
        CommandError: an argument or a setting is wrong.
    """
    options = _parser().parse_args(words)
    settings = read_check_settings()
    if options.output is not None:
        check_output(options.output)
    paths = tuple(options.paths) or settings.paths or (".",)
    files, problems = find_files(paths, (*settings.exclude, *(options.exclude or ())))
    contents = contents_of(files, problems)
    with undisturbed():
        analysis = analyse_contents(paths, contents, problems)
        found = map_of(analysis.engine, functions=options.functions)
    if options.focus is not None:
        found = _focused(found, options.focus, options.depth)
    if options.declare is not None:
        text = patch_for(found, options.declare, contents)
    else:
        text = _render(found, _format(options), paths)
    if options.output is None:
        write(sys.stdout, text)
    else:
        save(options.output, text)
    return _report(found, problems)


def _report(found: Map, problems: Sequence[Problem]) -> int:
    for problem in problems:
        tell(sys.stderr, printable(str(problem)))
    linked = {node for edge in found.edges for node in (edge.source, edge.target)}
    alone = len(found.nodes) - len(linked)
    rest = f"; {counted(alone, 'node')} without any" if alone else ""
    tell(
        sys.stderr,
        f"{counted(len(found.nodes), 'node')}, {counted(len(found.edges), 'edge')}{rest}",
    )
    return 2 if problems else 0


def _focused(found: Map, name: str, depth: int) -> Map:
    """Return what is at most `depth` edges from the nodes called `name`, or in that package."""
    kept = {node for node in found.nodes if name == node.name or f".{name}." in f".{node.id}."}
    if not kept:
        known = [part for node in found.nodes for part in node.id.split(".")]
        meant = nearest_name(name, known)
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise CommandError(f"there is no node or package {name!r}{hint}")
    near: list[Edge] = []
    for _ in range(max(depth, 1)):
        near = [edge for edge in found.edges if kept & {edge.source, edge.target}]
        kept |= {node for edge in near for node in (edge.source, edge.target)}
    return Map([node for node in found.nodes if node in kept], near)


def _format(options: argparse.Namespace) -> str:
    if options.format:
        return str(options.format)
    return _ENDINGS.get(Path(options.output or "").suffix.lower(), "text")


def _render(found: Map, format: str, paths: Sequence[str]) -> str:
    if format == "json":
        return encoded(_document(found))
    title = os.path.basename(os.path.abspath(paths[0])) or "program"
    pictures = Pictures(title, found)
    whole = pictures.whole()
    if len(whole.nodes) > LARGE and format == "html":
        return draw_chapters(title, pictures.chapters())
    if len(whole.nodes) > LARGE and format in {"svg", "mermaid"}:
        tell(sys.stderr, "this is a large drawing: an HTML page has one for each package, and "
                         "--focus NAME draws a part")  # fmt: skip
    return draw(whole, format)


def _document(found: Map) -> dict[str, object]:
    return {
        "version": VERSION,
        "nodes": [_node(node) for node in found.nodes],
        "edges": [
            {
                "source": edge.source.id,
                "target": edge.target.id,
                "kind": edge.kind,
                "evidence": plain(edge.evidence),
            }
            for edge in found.edges
        ],
    }


def _node(node: Node) -> dict[str, object]:
    place = {"file": shown(node.module.path), "line": node.line}
    return {"id": node.id, "kind": node.kind, "name": node.name, **place}


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser("headrace discover", _DESCRIPTION)
    add = parser.add_argument
    says = "files and folders; default: those of pyproject.toml, or the current folder"
    add("paths", nargs="*", metavar="PATH", help=says)
    says = f"what to write: {', '.join(PICTURE_FORMATS)}; default: from FILE's extension, or text"
    add("--format", choices=PICTURE_FORMATS, metavar="F", help=says)
    add("-o", "--output", metavar="FILE", help="the file to write, instead of standard output")
    says = "show each function that publishes, sends or requests, instead of folding it away"
    add("--functions", action="store_true", help=says)
    add("--focus", metavar="NAME", help="only this node or package, and what is next to it")
    says = "with --focus: how many edges away; default: 1"
    add("--depth", type=int, default=1, metavar="N", help=says)
    says = "write the decorators that declare the map as the flow FLOW, as a patch"
    add("--declare", metavar="FLOW", help=says)
    add("--exclude", action="append", metavar="PATTERN", help="leave out files and folders")
    return parser
