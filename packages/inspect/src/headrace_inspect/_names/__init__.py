"""From names in the source to what they stand for, without importing anything."""

from __future__ import annotations
