"""Errors: what is certain from names and declarations."""

from __future__ import annotations
