"""``headrace graph``; ``manage.py flows graph`` and ``flask flows graph`` call it too."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from headrace._drawing import (
    FORMATS,
    STYLES,
    Picture,
    check_format,
    focused,
    judged,
    render,
    traced,
)
from headrace._errors import UnknownFlowError
from headrace._flows.draw import picture_of
from headrace._flows.registry import all_flows, get_flow

from .defaults import Defaults, read_defaults
from .errors import CommandError
from .files import check_output, encoded, save
from .modules import discover_modules, import_modules
from .parser import argument_parser
from .streams import shows_ascii_only, tell, welcomes_colors, write

if TYPE_CHECKING:
    from headrace._flows.graph import FlowGraph

MANY_STEPS = 300

_ENDINGS = {
    ".dot": "dot",
    ".gv": "dot",
    ".htm": "html",
    ".html": "html",
    ".json": "json",
    ".mermaid": "mermaid",
    ".mmd": "mermaid",
    ".svg": "svg",
    ".txt": "text",
}


def main(arguments: Sequence[str], *, prog: str = "headrace graph", app: bool = True) -> int:
    """Parse `arguments` and draw or check flows; return the exit status, 0 or 2.

    Args:
        arguments: the words after the command.
        prog: the name of the command, for its help.
        app: as for `add_graph_arguments`.
    """
    parser = argument_parser(prog, "Draw or check flows.")
    add_graph_arguments(parser, app=app)
    return run_graph(parser.parse_args(arguments))


def add_graph_arguments(parser: argparse.ArgumentParser, *, app: bool = True) -> None:
    """Declare the arguments of the command ``graph``.

    Args:
        parser: the parser.
        app: whether to add ``--app``, which names the modules that declare the flows; a
            framework's own command does not need it.
    """
    add = parser.add_argument
    add("flows", nargs="*", metavar="FLOW", help="a flow to draw; several are drawn as a map")
    if app:
        text = "import this module, which declares flows; repeatable"
        add("--app", action="append", metavar="MODULE", help=text)
    add("--all", action="store_true", help="draw a map of all flows and their links")
    add("--format", metavar="F", help=f"{', '.join(FORMATS)}; default: from the extension of FILE")
    add("--style", metavar="S", help=f"{' or '.join(STYLES)}, for Mermaid")
    add("-o", "--output", metavar="FILE", help="write to FILE instead of standard output")
    add("--focus", metavar="STEP", help="draw only this step, its predecessors and its successors")
    add("--depth", type=int, metavar="N", help="with --focus, draw steps up to N edges away")
    text = "mark each edge as headrace check judges it: shown by code, by tests, or not shown"
    add("--evidence", action="store_true", help=text)
    text = "label each step and edge with its counts, errors and times in these logs; repeatable"
    add("--traces", action="append", metavar="LOGS", help=text)
    text = "draw nothing; report problems, and whether FILE is up to date"
    add("--check", action="store_true", help=text)


def run_graph(
    options: argparse.Namespace, *, out: TextIO | None = None, err: TextIO | None = None
) -> int:
    """Draw or check flows; return the exit status, 0 or 2.

    Args:
        options: the parsed arguments that `add_graph_arguments` declares.
        out: the stream for the drawing; standard output by default.
        err: the stream for messages; standard error by default.
    """
    messages: TextIO = err or sys.stderr
    try:
        return _run(options, out or sys.stdout, messages)
    except (CommandError, UnknownFlowError, ValueError) as error:
        tell(messages, str(error))
        return 2


def _run(options: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    defaults = read_defaults(Path.cwd())
    format = _format(options, defaults)
    style = options.style or defaults.style
    check_format(format, style)
    if options.output is not None and not options.check:
        check_output(options.output)
    _import_apps(options, defaults)
    graphs = _graphs(options, defaults)
    picture, unread = _judged(_part(picture_of(graphs), options), options)
    picture = _traced(picture, options, err)
    if options.check:
        drawing = _drawn(picture, format, style, None)
        return max(_check(options, graphs, drawing, out, err), _report(unread, err))
    drawing = _drawn(picture, format, style, out if options.output is None else None)
    _warn_of_size(picture, format, drawing, err)
    if options.output is None:
        write(out, drawing)
    else:
        save(options.output, drawing)
    cycles = [p for g in graphs for p in g.validate() if p.kind == "cycle"]
    return _report([*cycles, *unread], err)


def _warn_of_size(picture: Picture, format: str, drawing: str, err: TextIO) -> None:
    part = "draw a part: --focus STEP --depth 2"
    if format == "mermaid":
        from headrace._drawing.mermaid import excess

        reason = excess(picture, drawing)
        if reason:
            tell(err, f"{reason}; use --format svg or html, or {part}")
    elif len(picture.nodes) > MANY_STEPS and format in {"svg", "html"}:
        tell(err, f"{len(picture.nodes)} steps make a large drawing; {part}")


def _format(options: argparse.Namespace, defaults: Defaults) -> str:
    if options.format:
        return str(options.format)
    if options.output:
        ending = Path(options.output).suffix.lower()
        if ending in _ENDINGS:
            return _ENDINGS[ending]
        if defaults.format is None:
            raise CommandError(
                f"cannot infer the format from {options.output!r}; use --format, or one of the "
                f"extensions {' '.join(_ENDINGS)}"
            )
    return defaults.format or "mermaid"


def _import_apps(options: argparse.Namespace, defaults: Defaults) -> None:
    if not hasattr(options, "app"):  # the framework has imported them
        discover_modules([Path.cwd()])
        return
    given = options.app or defaults.app
    folders = [Path.cwd()] if options.app or not defaults.folder else [Path.cwd(), defaults.folder]
    import_modules(list(given), folders)


def _graphs(options: argparse.Namespace, defaults: Defaults) -> list[FlowGraph]:
    declared = [flow.name for flow in all_flows()]
    if not declared:
        hint = "; name a module that declares one: --app MODULE" if _has_no_app(options) else ""
        raise CommandError(f"no flow is declared{hint}")
    if options.all and options.flows:
        raise CommandError("--all draws every flow; use either --all or the names of flows")
    wanted = options.flows or ([] if options.all else list(defaults.flows))
    if not wanted and (options.all or options.check or len(declared) == 1):
        wanted = declared
    if not wanted:
        raise CommandError(
            f"several flows are declared: {', '.join(declared)}; name some, or use --all"
        )
    graphs = [get_flow(name).graph() for name in dict.fromkeys(wanted)]
    for graph in graphs:
        if not graph.nodes:
            raise CommandError(f"flow {graph.name!r} has no steps")
    return graphs


def _has_no_app(options: argparse.Namespace) -> bool:
    return hasattr(options, "app") and not options.app


def _part(picture: Picture, options: argparse.Namespace) -> Picture:
    if options.depth is not None and (options.focus is None or options.depth < 0):
        raise CommandError("--depth must be a number of edges, 0 or more, and needs --focus STEP")
    return picture if options.focus is None else focused(picture, options.focus, options.depth)


def _judged(picture: Picture, options: argparse.Namespace) -> tuple[Picture, list[str]]:
    """Return `picture`, with verdicts if requested, and the problems of the analysis."""
    if not options.evidence:
        return picture, []
    from .evidence import find_verdicts

    verdicts, problems = find_verdicts()
    return judged(picture, verdicts), problems


def _traced(picture: Picture, options: argparse.Namespace, err: TextIO) -> Picture:
    """Return `picture`, with the figures of the logs if requested."""
    if not options.traces:
        return picture
    from .traces import find_figures

    steps, edges, skipped = find_figures(options.traces, set(picture.steps_of_edges().values()))
    for message in skipped:
        tell(err, message)
    if not any(node.key in steps for node in picture.nodes):
        tell(
            err,
            f"no line in {', '.join(options.traces)} is about a step of {picture.title}; with a "
            "tracer provider, steps have lines only after headrace.configure(['auto', 'logging'])",
        )
    return traced(picture, steps, edges)


def _drawn(picture: Picture, format: str, style: str, out: TextIO | None) -> str:
    if format == "text" and out is not None:
        from headrace._drawing.text import draw

        return draw(
            picture,
            colors=welcomes_colors(out, os.environ),
            ascii_only=shows_ascii_only(out),
        )
    return render(picture, format, style)


def _check(
    options: argparse.Namespace, graphs: list[FlowGraph], drawing: str, out: TextIO, err: TextIO
) -> int:
    status = _report([problem for graph in graphs for problem in graph.validate()], err)
    if options.output is not None:
        path = Path(options.output)
        if not path.is_file() or path.read_bytes() != encoded(drawing):
            tell(err, f"{options.output} is out of date; run this command without --check")
            return 2
    if status == 0:
        write(out, "no problems")
    return status


def _report(problems: Sequence[object], err: TextIO) -> int:
    for problem in problems:
        tell(err, str(problem))
    return 2 if problems else 0
