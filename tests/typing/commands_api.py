"""Uses every public name of headrace.commands the way a typed program does: never run."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, assert_type

from headrace.commands import (
    PICTURE_FORMATS,
    CommandError,
    Picture,
    PictureEdge,
    PictureFigures,
    PictureNode,
    add_graph_arguments,
    chapter_id,
    check_output,
    counted,
    draw,
    draw_chapters,
    graph_main,
    is_source_folder,
    printable,
    read_pyproject,
    read_settings,
    run_graph,
    save,
    tell,
    welcomes_colors,
    write,
)

# --- the command graph in a framework's command line ----------------------------------------------

parser = argparse.ArgumentParser()
add_graph_arguments(parser, app=False)
assert_type(run_graph(parser.parse_args(), out=sys.stdout, err=sys.stderr), int)
assert_type(graph_main(["order"], prog="flask flows graph", app=False), int)

# --- a command of one's own -----------------------------------------------------------------------

folder, settings = read_pyproject("audit", {"strict": bool, "paths": tuple}, Path.cwd())
assert_type(folder, Path | None)
assert_type(settings, dict[str, Any])

assert_type(counted(2, "step"), str)
assert_type(printable("name"), str)
assert_type(welcomes_colors(sys.stdout, os.environ), bool)
assert_type(is_source_folder("src", os.path.exists), bool)
write(sys.stdout, "text")
tell(sys.stderr, "what is wrong")
check_output("report.txt")
save(Path("report.txt"), "text")

try:
    save("report.txt", "text")
except CommandError as error:
    assert_type(str(error), str)
assert_type(
    read_settings("audit", {"strict": bool}, Path.cwd()), tuple[Path | None, dict[str, Any]]
)

# --- a picture of one's own -----------------------------------------------------------------------

nodes = (
    PictureNode("a", "A", "letters", "function", None, (), "#b"),
    PictureNode("b", "B", "letters", "function", None),
)
figures = PictureFigures(2, 1, median=1.5, p95=2.5)
edge = PictureEdge("a", "b", "call", crosses=False, identity="a->b", figures=figures)
picture = Picture("letters", ("letters",), nodes, (edge,), noun="letter")
assert_type(PICTURE_FORMATS[0], str)
assert_type(draw(picture, "svg"), str)
assert_type(draw_chapters("letters", [picture]), str)
assert_type(chapter_id(picture), str)
