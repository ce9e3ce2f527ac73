"""headrace check: compares declared flows with the code."""

from __future__ import annotations

__all__: list[str] = []
