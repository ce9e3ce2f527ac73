"""Flows, steps and edges as the source declares them."""

from __future__ import annotations
