"""From paths to syntax trees."""

from __future__ import annotations
