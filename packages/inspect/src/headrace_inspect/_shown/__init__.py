"""Evidence for declared edges: the calls that show them."""

from __future__ import annotations
