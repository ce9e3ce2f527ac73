"""Building blocks for commands of frameworks and other packages.

To add a ``graph`` command to a framework's command line: with `argparse`, declare its arguments
with `add_graph_arguments` and call `run_graph`; with another parser, pass the arguments to
`graph_main`. `flow_lines` lists flows and `flow_problems` checks them; both import the frameworks'
task modules first, as does `discover_modules`. `run_doctor` examines the application that
the framework has set up.

For your own command, an entry point in the group ``headrace.commands``, use
`argument_parser`, `CommandError`, `read_pyproject`, `name_hint`, `nearest_name`, `counted`,
`printable`, `welcomes_colors`, `write`, `tell`, `check_output`, `save` and `is_source_folder`. To
draw your own data, build a `Picture` of `PictureNode` and `PictureEdge`, with `PictureFigures`
where there are figures: `draw` renders it in one of `PICTURE_FORMATS`, and `draw_chapters` renders
several on one page, with the section IDs of `chapter_id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._cli.defaults import read_pyproject
from ._cli.errors import CommandError
from ._cli.files import check_output, save
from ._cli.parser import argument_parser
from ._cli.streams import tell, welcomes_colors, write
from ._messages.hints import name_hint, nearest_name
from ._messages.text import counted, printable
from ._process.late_imports import late_imports
from ._process.source_folders import is_source_folder

if TYPE_CHECKING:
    from ._cli.doctor import run_doctor
    from ._cli.graph import add_graph_arguments, run_graph
    from ._cli.graph import main as graph_main
    from ._cli.modules import discover_modules
    from ._drawing import FORMATS as PICTURE_FORMATS
    from ._drawing import Picture
    from ._drawing import render as draw
    from ._drawing.figures import Figures as PictureFigures
    from ._drawing.html import chapter_id, draw_chapters
    from ._drawing.picture import Edge as PictureEdge
    from ._drawing.picture import Node as PictureNode
    from ._flows.report import flow_lines, flow_problems

__all__ = [
    "PICTURE_FORMATS",
    "CommandError",
    "Picture",
    "PictureEdge",
    "PictureFigures",
    "PictureNode",
    "add_graph_arguments",
    "argument_parser",
    "chapter_id",
    "check_output",
    "counted",
    "discover_modules",
    "draw",
    "draw_chapters",
    "flow_lines",
    "flow_problems",
    "graph_main",
    "is_source_folder",
    "name_hint",
    "nearest_name",
    "printable",
    "read_pyproject",
    "read_settings",
    "run_doctor",
    "run_graph",
    "save",
    "tell",
    "welcomes_colors",
    "write",
]

# Imported when first used: most commands draw nothing.
_MODULES = {
    "PICTURE_FORMATS": "_drawing:FORMATS",
    "Picture": "_drawing",
    "PictureEdge": "_drawing.picture:Edge",
    "PictureFigures": "_drawing.figures:Figures",
    "PictureNode": "_drawing.picture:Node",
    "add_graph_arguments": "_cli.graph",
    "chapter_id": "_drawing.html",
    "discover_modules": "_cli.modules",
    "draw": "_drawing:render",
    "draw_chapters": "_drawing.html",
    "flow_lines": "_flows.report",
    "flow_problems": "_flows.report",
    "graph_main": "_cli.graph:main",
    "run_doctor": "_cli.doctor",
    "run_graph": "_cli.graph",
}
globals()["__getattr__"] = late_imports(
    __name__, {name: f"headrace.{home}" for name, home in _MODULES.items()}
)

read_settings = read_pyproject
"""The earlier name of `read_pyproject`; `headrace.integration.read_settings` is unrelated."""
