"""The results as a picture for the docs: bars on a logarithmic scale, as plain SVG."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.harness import Result

_LABEL = 330
_WIDTH = 820
_ROW = 22
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933; }
.title { font-weight: 600; }
.bar { fill: #9aa5b1; }
.ours { fill: #2563a8; }
.limit { stroke: #c2410c; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .bar { fill: #616e7c; }
  .ours { fill: #63a4e8; }
}
"""


def draw(results: Sequence[Result]) -> str:
    """Return the picture; a red line stands where the project's own limit is."""
    top = max(result.ratio for result in results)
    scale = (_WIDTH - _LABEL - 70) / math.log10(max(top, 10.0) * 10)
    parts: list[str] = []
    y = 8
    for title in dict.fromkeys(result.group for result in results):
        y += 24
        parts.append(f'<text class="title" x="8" y="{y}">{escape(title)}</text>')
        for result in results:
            if result.group == title:
                parts.append(_bar(result, y + 8, scale))
                y += _ROW
    height = y + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>headrace benchmarks</title><style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _bar(result: Result, y: float, scale: float) -> str:
    length = _length(result.ratio, scale)
    kind = "ours" if "headrace" in result.name else "bar"
    limit = ""
    if result.limit is not None:
        x = _LABEL + _length(result.limit, scale)
        limit = f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 16}"/>'
    return (
        f'<text x="{_LABEL - 8}" y="{y + 13}" text-anchor="end">{escape(result.name)}</text>'
        f'<rect class="{kind}" x="{_LABEL}" y="{y}" width="{length:.1f}" height="16"/>{limit}'
        f'<text x="{_LABEL + length + 8:.1f}" y="{y + 13}">{result.ratio:.2f}</text>'
    )


def _length(ratio: float, scale: float) -> float:
    # The axis begins at a tenth of the base.
    return max(1.0, math.log10(max(ratio, 0.11) * 10) * scale)
