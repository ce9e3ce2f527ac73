"""An audit as lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from headrace.commands import counted
from headrace_trace._audit import KINDS, Audit, Case, Unjudged

from ._text import shown, time_text

_MOST_UNDER_WAY = 10


def audit_lines(found: Audit) -> Iterator[Text]:
    """Return an audit as lines: the cases by kind, then what the logs cannot tell."""
    for kind, group in groupby(found.cases, lambda case: case.kind):
        cases = list(group)
        yield Text(f"{KINDS[kind]}: {len(cases)}", style="red")
        yield from map(_case, cases)
    if found.unjudged:
        count = sum(one.count for one in found.unjudged)
        yield Text(f"not judged, since no line tells: {count}", style="yellow")
        yield from map(_unjudged, found.unjudged)
    if found.under_way:
        yield Text(f"perhaps still under way: {len(found.under_way)}")
        yield from map(_case, found.under_way[:_MOST_UNDER_WAY])
        if len(found.under_way) > _MOST_UNDER_WAY:
            yield Text(f"  and {len(found.under_way) - _MOST_UNDER_WAY} more; see --json")
    if not found.cases:
        yield Text("no case found", style="green")


def _case(case: Case) -> Text:
    queue = f"queue {shown(case.queue)}" if case.queue else ""
    task = f"task {shown(case.task_id)}" if case.task_id else ""
    facts = (shown(case.name) or "-", shown(case.flow_id, 256), task, queue, shown(case.detail))
    words = "  ".join(fact for fact in facts if fact)
    return Text(f"  {time_text(case.time)}  {words}  ({shown(str(case.place))})")


def _unjudged(one: Unjudged) -> Text:
    is_limited = one.verdict in {"before", "after"}
    limit = f" {one.verdict} {time_text(one.needed)}" if is_limited else ""
    why = f"no line of {shown(one.who)}{limit}"
    if one.kind == "not_started" and one.verdict == "after":
        why = f"{shown(one.who)} has begun nothing that was published{limit}"
    return Text(f"  {counted(one.count, 'possible case')} {KINDS[one.kind]}: {why}")
