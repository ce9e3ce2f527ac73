"""Evaluates function bodies symbolically: their calls, in order, on each path."""

from __future__ import annotations
