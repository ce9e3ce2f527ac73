"""The flows, steps and edges that the source declares."""

from __future__ import annotations
