"""Which function evaluates which kind of expression; filled by `_expressions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace_inspect._names._values import Value

    from ._frame import Frame

evaluators: dict[type, Callable[[Frame, Any], Value]] = {}
