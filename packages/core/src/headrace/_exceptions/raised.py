"""Detection of exception objects that have been raised again since they were recorded.

One object can be raised many times: a module's constant, the error of a shared future. Python does
not report a second `raise`, but it adds a traceback entry at a `raise` instruction.
"""

from __future__ import annotations

import inspect
import opcode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, TracebackType

_RAISE = opcode.opmap["RAISE_VARARGS"]
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
# First instruction of an `except` block's cleanup, without and with a name for the exception.
_ENDS_OF_HANDLERS = (opcode.opmap["COPY"], opcode.opmap["LOAD_CONST"])


class Raised:
    """The traceback of `exc` as it leaves a unit of work, for later comparison.

    It stores addresses and positions, since references to frames would keep variables alive.
    """

    __slots__ = ("_seen",)

    def __init__(self, exc: BaseException) -> None:
        self._seen: set[tuple[int, int, int]] = set()
        for entry in _entries(exc.__traceback__):
            self._seen.add(_key(entry))
            # contextlib later removes the entry of its generator.
            if not entry.tb_frame.f_code.co_flags & _GENERATORS:
                break

    def is_same(self, exc: BaseException) -> bool:
        """Return whether `exc` has not been raised again, only propagated or caught."""
        caller = None
        for entry in _entries(exc.__traceback__):
            if _key(entry) in self._seen:
                return True
            if _is_at_raise(entry) and not (
                _is_handled(entry, exc)
                or (caller is not None and _is_handled(caller, exc))
                or _is_relayed(entry)
            ):
                return False
            caller = entry
        return exc.__traceback__ is None or not self._seen


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _key(entry: TracebackType) -> tuple[int, int, int]:
    return id(entry), id(entry.tb_frame.f_code), entry.tb_lasti


def _is_at_raise(entry: TracebackType) -> bool:
    return entry.tb_frame.f_code.co_code[entry.tb_lasti] == _RAISE


def _is_handled(entry: TracebackType, exc: BaseException) -> bool:
    """Return whether `entry` handles `exc` itself, so that a `raise` there only re-raises it."""
    other = exc.__context__
    traceback = None if other is None else other.__traceback__
    if traceback is not None and traceback.tb_frame is entry.tb_frame:
        # It handles another exception, unless that is the group from which it takes `exc`.
        return isinstance(other, BaseExceptionGroup) and any(
            each is exc for each in other.exceptions
        )
    return _targets(entry.tb_frame.f_code).get(entry.tb_lasti) in _ENDS_OF_HANDLERS


def _is_relayed(entry: TracebackType) -> bool:
    """Return whether `entry` raises the error of a thread or task for which it has waited."""
    if entry.tb_frame.f_globals.get("__name__") == "concurrent.futures._base":
        return True
    if entry.tb_next is None:
        return False
    # Starlette's BaseHTTPMiddleware: an inner function catches, the outer one raises.
    outer, inner = entry.tb_frame.f_code, entry.tb_next.tb_frame.f_code
    is_inside = inner.co_qualname.startswith(f"{outer.co_qualname}.<locals>.")
    return is_inside and inner.co_filename == outer.co_filename


@lru_cache(maxsize=256)
def _targets(code: CodeType) -> dict[int, int]:
    """Map each instruction offset to the first opcode of its exception handler."""
    import dis  # imported late: most programs never raise an error twice

    instructions = code.co_code
    bytecode: Any = dis.Bytecode(code)
    return {
        offset: instructions[handler.target]
        for handler in bytecode.exception_entries
        for offset in range(handler.start, handler.end, 2)
    }
