"""The map of a program that declares nothing: what begins where, and what reaches what."""

from __future__ import annotations
