"""Headers between processes: the correlation header in and out of a carrier."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _runtime
from ._context import unit_var
from ._deadlines import remaining
from ._ids import is_valid_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, MutableMapping


@dataclass(frozen=True, slots=True)
class RemoteContext:
    """What another process says of the operation that a message belongs to.

    Attributes:
        correlation_id: a valid correlation ID, or None.
        causation_id: the unit that sent the message, or None.
        deadline: the reading of this process's `time.monotonic` (seconds) by which the work must
            be done, or None.
        metadata: values that the sender passed on.
    """

    correlation_id: str | None = None
    causation_id: str | None = None
    deadline: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


_MAX_MILLISECONDS = 10.0**15 - 1
_is_milliseconds = re.compile(r"[0-9]{1,15}").fullmatch

NOTHING = RemoteContext()

DEADLINE_HEADER = "X-Deadline-Ms"
"""The header that carries the milliseconds left of a deadline."""


def inject(carrier: MutableMapping[str, str]) -> None:
    """Write the current operation's headers into `carrier`; outside any unit, write nothing.

    These are the correlation header, named by ``configure(header=...)``, and while a deadline is
    active ``X-Deadline-Ms``, the milliseconds left. A header of the same name in another case is
    replaced.

    Args:
        carrier: the mutable mapping of header names to values of an outgoing message.
    """
    context = unit_var.get()
    if context is not None:
        _write(carrier, _runtime.settings.header, context.correlation_id)
    left = remaining()
    if left is not None:
        milliseconds = min(max(0.0, left * 1000.0), _MAX_MILLISECONDS)
        _write(carrier, DEADLINE_HEADER, str(math.floor(milliseconds)))


def extract(carrier: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> RemoteContext:
    """Read the correlation header out of a message's headers; never raises.

    A missing, malformed or contradictory header counts as none.

    Args:
        carrier: a mapping or an iterable of pairs, of `str` or `bytes`: WSGI's environ (with its
            ``HTTP_`` names), ASGI's header list, Kafka's, gRPC's.
    """
    wanted = _names_of(_runtime.settings.header)
    try:
        found = {text(value) for name, value in _pairs(carrier) if text(name).lower() in wanted}
    except Exception:  # a carrier from outside may be anything
        return NOTHING
    if len(found) != 1:
        return NOTHING
    (value,) = found
    return RemoteContext(correlation_id=value) if is_valid_id(value) else NOTHING


def text(raw: object) -> str:
    """Return a header's name or value as `str`; what is neither text nor bytes is ``""``."""
    if type(raw) is str:
        return raw
    if isinstance(raw, bytes):
        return bytes.decode(raw, "latin-1")
    # A subclass may show another text in a log than the one that was checked.
    return str.__str__(raw) if isinstance(raw, str) else ""


def deadline_from_header(found: Iterable[tuple[str, str]]) -> float | None:
    """Return the deadline that headers state, as a reading of `time.monotonic`, or None.

    Args:
        found: lower-case names and values; a doubled or malformed deadline counts as none.
    """
    values = [value for name, value in found if name == DEADLINE_HEADER.lower()]
    if len(values) != 1 or not _is_milliseconds(values[0]):
        return None
    return time.monotonic() + int(values[0]) / 1000.0


def _write(carrier: MutableMapping[str, str], header: str, value: str) -> None:
    for name in [name for name in carrier if text(name).lower() == header.lower()]:
        if name in carrier:  # one name may stand for several in a mapping that ignores case
            del carrier[name]
    carrier[header] = value


def _names_of(header: str) -> tuple[str, str]:
    return header.lower(), "http_" + header.lower().replace("-", "_")


def _pairs(carrier: Any) -> Iterator[tuple[Any, Any]]:
    pairs = carrier.items() if hasattr(carrier, "items") else carrier
    for pair in pairs:
        name, value = pair
        for single in value if isinstance(value, list | tuple) else (value,):
            yield name, single
