"""Hazards: what a program does with its tasks that goes wrong sooner or later."""

from __future__ import annotations
