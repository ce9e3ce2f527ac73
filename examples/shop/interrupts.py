"""Ctrl-C and its relatives, as one exception that comes only when it can be dealt with."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Interrupted(BaseException):
    """The demo was asked to end."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_status = 128 + signum


class Interrupts:
    """Raises ``Interrupted`` in the main thread, and puts it off while ``held``."""

    def __init__(self) -> None:
        self.putting_off = False
        self.pending: int | None = None
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) is not signal.SIG_IGN:  # as under nohup
                signal.signal(signum, self.receive)

    def receive(self, signum: int, _: FrameType | None) -> None:
        """Handle a signal."""
        self.pending = signum
        if not self.putting_off:
            raise Interrupted(signum)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Put an interruption off to the end of the block."""
        self.putting_off, self.pending = True, None
        try:
            yield
        finally:
            self.putting_off = False
        if self.pending is not None:
            raise Interrupted(self.pending)
