"""Which step comes before which: sets of steps as bits, computed over the call graph."""

from __future__ import annotations
