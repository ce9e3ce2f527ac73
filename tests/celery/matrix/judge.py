"""Whether the notes of one row are what the row expects."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .rows import PUBLISHER, Row

Note = dict[str, Any]


def judge(row: Row, notes: list[Note], log: str, publisher: Note) -> str:
    """Return what is wrong with the `notes` of `row`, or "".

    Args:
        row: the row.
        notes: what its tasks noted.
        log: the worker's log.
        publisher: the ID and the unit that were current in the driver.
    """
    if not row.causes:
        return judge_ticks(notes, publisher)
    problems = [f"{note}: wrong ID" for note in notes if note["id"] != publisher["id"]]
    if Counter(note["label"] for note in notes) != Counter(row.causes.keys()):
        problems.append(f"notes {sorted(note['label'] for note in notes)}")
    units = {note["label"]: note.get("unit") for note in notes} | {PUBLISHER: publisher["unit"]}
    for note in notes:
        causes = row.causes.get(note["label"], ())
        allowed = (causes,) if isinstance(causes, str) else causes
        if note.get("cause") not in {units.get(label) for label in allowed}:
            problems.append(f"{note}: its cause is not {allowed}")
    for label, other in row.same_unit.items():
        if units.get(label) != units.get(other):
            problems.append(f"{label} is not in the unit of {other}")
    lines = [line for line in log.splitlines() if row.log in line]
    if row.log and not any(f"[{publisher['id']}]" in line for line in lines):
        problems.append(f"no line with {row.log!r} carries the ID")
    return "; ".join(problems)


def judge_ticks(notes: list[Note], publisher: Note) -> str:
    """Return what is wrong with the notes of beat's ticks: each an ID and a cause of its own."""
    ids = {note["id"] for note in notes} | {publisher["id"]}
    causes = {note.get("cause") for note in notes} | {None}
    if len(notes) > 1 and len(ids) == len(causes) == len(notes) + 1:
        return ""
    return f"{notes}: not two ticks with an ID and a cause of their own"
