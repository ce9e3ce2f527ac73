"""Evidence from tests: which steps a test suite ran, and in which order."""

from __future__ import annotations
