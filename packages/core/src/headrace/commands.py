"""The command ``graph`` for a framework's own command line.

With `argparse`, declare its arguments with `add_graph_arguments` and call `run_graph`; with another
parser, hand the words over to `graph_main`.
"""

from __future__ import annotations

from ._cli._graph import add_graph_arguments, run_graph
from ._cli._graph import main as graph_main

__all__ = ["add_graph_arguments", "graph_main", "run_graph"]
