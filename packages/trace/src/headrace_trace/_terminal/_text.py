"""Text of logs, made safe for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from headrace.commands import printable


def shown(text: str | None, longest: int = 500) -> str:
    """Return external text with control characters made visible, cut to `longest` characters."""
    if text is None:
        return ""
    return printable(text if len(text) <= longest else f"{text[: longest - 1]}…")


def time_text(time: int | None) -> str:
    """Return a time, in microseconds since 1970, as UTC with milliseconds."""
    if time is None:
        return "?"
    moment = datetime.fromtimestamp(time // 1_000_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time // 1000 % 1000:03}Z"


def duration_text(ms: float | None) -> str:
    """Return a duration in milliseconds with the unit that suits its size."""
    if ms is None:
        return "?"
    if ms < 1000:
        return f"{ms:.3g} ms" if ms < 100 else f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.3g} s"
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds // 60 % 60} min"
