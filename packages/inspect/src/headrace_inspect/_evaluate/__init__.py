"""Runs function bodies symbolically: which calls they make, in which order, on which path."""

from __future__ import annotations
