"""Modules, classes and functions of the source, and their bindings."""

from __future__ import annotations
