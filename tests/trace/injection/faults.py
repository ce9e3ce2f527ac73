"""The faults, each with the kinds of the cases that its order must have."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with an order."""

    kinds: tuple[str, ...]
    """The kinds of its cases."""
    has_outcome: bool
    """Whether the order ends all the same."""


FAULTS = {
    # Publishing.
    "unsent": Fault(("not_started", "error"), has_outcome=False),  # an error, also of the request
    "dropped": Fault(("not_started",), has_outcome=False),  # on its way to the broker
    "unretried": Fault(("not_started",), has_outcome=False),  # the message of its retry is dropped
    "lost": Fault(("not_started",), has_outcome=False),  # on its way to the worker
    # Delivery.
    "doubled": Fault(("run_twice",), has_outcome=True),  # delivered twice
    "slow": Fault(("run_twice",), has_outcome=True),  # runs longer than the visibility timeout
    # Running.
    "killed": Fault(("not_ended",), has_outcome=True),  # by SIGKILL, then delivered again
    "stuck": Fault(("not_ended",), has_outcome=False),  # until Celery kills it
    "down": Fault(("error",), has_outcome=True),  # the carrier, once
    "failed": Fault(("error",), has_outcome=False),
    "exhausted": Fault(("retries_exhausted",), has_outcome=False),
}
POINTS = ("reservations", "reserved", "parcels", "booked", "orders", "told")
"""Where a killed run ends: before or after each of its requests."""


def fault_of(number: str) -> str:
    """Return the fault of an order, the first word of its number, or another word."""
    return number.partition("-")[0]


def kill_point(number: str) -> str:
    """Return where the first run of a killed order ends."""
    return Random(number).choice(POINTS)


class Ledger:
    """What the runs of the tasks write down themselves, so that no log line is needed to know it.

    On a busy machine, Redis delivers more messages again than were doubled on purpose.

    Args:
        folder: the folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger"

    def note(self, number: str, what: str) -> None:
        """Note that a run has begun (``began``) or ended (``ok``, ``error`` or ``retry``)."""
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps([number, what]).encode() + b"\n")

    def read(self) -> dict[str, Counter[str]]:
        """Return what was noted of each order, and how often."""
        noted: dict[str, Counter[str]] = defaultdict(Counter)
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                number, what = json.loads(line)
                noted[number][what] += 1
        return noted


def wanted_kinds(number: str, noted: Counter[str]) -> Counter[str]:
    """Return the kinds of the cases that an order must have, by its fault and its runs.

    Args:
        number: the number of the order.
        noted: what the ledger has of it.
    """
    fault = FAULTS.get(fault_of(number))
    kinds = Counter(fault.kinds if fault else ())
    ended = noted["ok"] + noted["error"] + noted["retry"]
    if fault_of(number) == "failed" and ended > 1:
        kinds = Counter(["retries_exhausted"])
    kinds["not_ended"] = noted["began"] - ended
    kinds["run_twice"] = int(ended > 1 + noted["retry"])
    return +kinds


def is_first(folder: Path, number: str) -> bool:
    """Return whether this is asked for the first time."""
    try:
        os.close(os.open(folder / f"{number}.first", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
