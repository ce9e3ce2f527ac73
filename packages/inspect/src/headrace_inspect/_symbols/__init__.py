"""Modules, classes and functions of the source, and what their names are bound to."""

from __future__ import annotations
