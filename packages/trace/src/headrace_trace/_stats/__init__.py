"""Counts, errors and times of flows, steps, tasks and edges."""

from ._graph import Pair, Step, graph_figures
from ._stats import MEASURED, Stat, stat_json, stats

__all__ = [
    "MEASURED",
    "Pair",
    "Stat",
    "Step",
    "graph_figures",
    "stat_json",
    "stats",
]
