"""Layered layout of a directed graph: nodes and edges in, coordinates out.

It follows Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): break cycles, assign ranks, reorder the nodes within the ranks until few edges
cross, and assign coordinates. The result depends only on the input.
"""

from __future__ import annotations

from .groups import layout_groups
from .placing import RANK_GAP, Box, Layout, layout
from .routes import Point

__all__ = ["RANK_GAP", "Box", "Layout", "Point", "layout", "layout_groups"]
