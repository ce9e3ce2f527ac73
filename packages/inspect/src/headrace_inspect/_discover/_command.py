"""``headrace discover``."""

from __future__ import annotations

import os
import sys
from typing import Any

from headrace.commands import PICTURE_FORMATS, counted, save, tell, write
from headrace_inspect._documents import encoded, plain
from headrace_inspect._pipeline import analysis_runtime, evaluate
from headrace_inspect._settings import parser_of, settings_for
from headrace_inspect._sources import read_files

from ._declaring import patch_for
from ._drawing import drawn
from ._map import Map, map_of

_ENDINGS = {
    ".dot": "dot", ".gv": "dot", ".htm": "html", ".html": "html", ".json": "json", ".svg": "svg",
    ".mermaid": "mermaid", ".mmd": "mermaid",
}  # fmt: skip
_DESCRIPTION = """\
Draw a map of a program that declares no flows: its routes, commands, schedules, tasks and signal
receivers, and how they reach each other. The source is read, never imported. The exit status is 0,
or 2 if something could not be analysed.
"""


def main(words: list[str]) -> int:
    """Run the command with the arguments `words`; return the exit status.

    Raises:
        CommandError: an argument or a setting is wrong.
    """
    parser = parser_of("discover", _DESCRIPTION, PICTURE_FORMATS)
    says = "write a patch with the decorators that declare the map as the flow FLOW"
    parser.add_argument("--declare", metavar="FLOW", help=says)
    options = parser.parse_args(words)
    settings = settings_for(options, _ENDINGS)
    paths = settings["paths"]
    contents, problems = read_files(paths, settings["exclude"])
    with analysis_runtime():
        found = map_of(evaluate(paths, contents, problems))
    if options.declare is not None:
        text = patch_for(found, options.declare, contents)
    elif options.format == "json":
        text = encoded(_document(found))
    else:
        title = os.path.basename(os.path.abspath(paths[0])) or "program"
        text = drawn(found, title, options.format)
    if options.output is None:
        write(sys.stdout, text)
    else:
        save(options.output, text)
    for problem in problems:
        tell(sys.stderr, str(problem))
    alone = len(found.nodes) - len(found.linked)
    rest = f"; {counted(alone, 'node')} without any" if alone else ""
    counts = f"{counted(len(found.nodes), 'node')}, {counted(len(found.edges), 'edge')}"
    tell(sys.stderr, f"{counts}{rest}")
    return 2 if problems else 0


def _document(found: Map) -> dict[str, Any]:
    nodes = [plain(one, "id", "kind", "name", "place") for one in found.nodes]
    edges = [
        {"source": one.source.id, "target": one.target.id} | plain(one, "kind", "evidence")
        for one in found.edges
    ]
    return {"version": 1, "nodes": nodes, "edges": edges}
