"""The flows as they are declared in the source."""

from __future__ import annotations
