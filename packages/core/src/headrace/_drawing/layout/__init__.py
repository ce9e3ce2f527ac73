"""Layered layout of a directed graph: nodes and edges in, coordinates out.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): cycles are broken, nodes get ranks, the order within the ranks is improved until
few edges cross, and coordinates are assigned. The result depends on the input alone.
"""

from __future__ import annotations

from .groups import layout_groups
from .placing import Box, Layout, layout
from .routes import Point

__all__ = ["Box", "Layout", "Point", "layout", "layout_groups"]
