"""The tree of an operation, by causation first and by time second."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headrace_trace._model import Line, Publish, Unit

from ._clocks import Clock, Clocks


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of work: one unit, or all attempts at one task."""

    depth: int
    attempts: tuple[Unit, ...]
    """More than one after retries and redeliveries; none for a task of which only the publish is
    in the logs."""
    starts: tuple[int | None, ...]
    """When each attempt began, in microseconds since 1970, by the clocks as corrected."""
    publish: Publish | None
    """How the task was sent."""
    is_caused: bool
    """Its cause is known, but perhaps not in these logs."""


@dataclass(frozen=True)
class Story:
    """One operation."""

    flow_id: str
    nodes: tuple[Node, ...]
    """In the order of cause and effect: what a node caused follows it, one level deeper."""
    lines: dict[str, tuple[Line, ...]]
    """The lines of each unit, in the order of time; its key is the unit's ID."""
    clocks: tuple[Clock, ...]
    """The clocks that contradict the causation, and were corrected for it."""


def tell_story(
    flow_id: str, units: Sequence[Unit], publishes: Sequence[Publish], lines: Iterable[Line]
) -> Story:
    """Return the story that the units, publishes and lines of one operation tell."""
    home = _homes(units)
    grouped: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        unit_id = line.unit_id or ""
        grouped[home.get(unit_id, unit_id)].append(line)
    tree = _Tree([unit for unit in units if unit.unit_id not in home], publishes)
    nodes = tree.walk()
    told = {unit_id: tuple(group) for unit_id, group in grouped.items()}
    return Story(flow_id, nodes, told, tree.clocks.found())


def _homes(units: Sequence[Unit]) -> dict[str, str]:
    # Lines without a unit belong to the unit of the same process, if there is just one.
    of_process: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for unit in units:
        if not unit.unit_id.startswith("@"):
            of_process[unit.service, unit.host, unit.pid].append(unit.unit_id)
    loose = [unit for unit in units if unit.unit_id.startswith("@")]
    found = {one.unit_id: of_process[one.service, one.host, one.pid] for one in loose}
    killed = _killed(units)
    homes = {one: killed.get(real[0], real[0]) for one, real in found.items() if len(real) == 1}
    return homes | killed


def _killed(units: Sequence[Unit]) -> dict[str, str]:
    # A worker's parent process logs a killed run under a unit ID of its own, with the run's
    # causation ID, on the same host and so by the same clock.
    runs: dict[tuple[object, ...], list[Unit]] = defaultdict(list)
    for unit in units:
        if unit.task_id and unit.has_start and not unit.has_end:
            runs[unit.causation_id, unit.service, unit.host].append(unit)
    found: dict[str, str] = {}
    for unit in units:
        if not (unit.causation_id is None or unit.has_start or unit.has_end):
            of_cause = runs[unit.causation_id, unit.service, unit.host]
            earlier = [one for one in of_cause if (one.started or 0) <= (unit.started or 0)]
            found.update((unit.unit_id, run.unit_id) for run in earlier[-1:])
    return found


class _Tree:
    """Groups of attempts, and which group caused which."""

    def __init__(self, units: Sequence[Unit], publishes: Sequence[Publish]) -> None:
        self.clocks = Clocks()
        self._groups: dict[str, list[Unit]] = defaultdict(list)
        self._publish = {one.task_id: one for one in reversed(publishes) if one.task_id}
        for unit in units:
            self._groups[unit.task_id or unit.unit_id].append(unit)
        for task_id in self._publish:
            self._groups.setdefault(task_id, [])
        self._group_of = {
            unit.unit_id: key for key, group in self._groups.items() for unit in group
        }
        self._effects: dict[str, list[str]] = defaultdict(list)
        self._roots: list[str] = []
        for key in sorted(self._groups, key=self._when):
            cause = self._cause(key)
            (self._effects[cause] if cause else self._roots).append(key)

    def _cause(self, key: str) -> str | None:
        publish = self._publish.get(key)
        stated = [unit.causation_id for unit in self._groups[key]]
        for unit_id in (*stated, publish.unit_id if publish else None):
            found = self._group_of.get(unit_id or "")
            if found not in {None, key}:
                return found
        return None

    def _when(self, key: str) -> tuple[bool, int, str]:
        publish = self._publish.get(key)
        times = [unit.started for unit in self._groups[key]]
        times.append(publish.time if publish else None)
        known = [time for time in times if time is not None]
        return (not known, min(known, default=0), key)

    def walk(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        seen: set[str] = set()
        # Units that cause each other in a circle hang on no root: the earliest begins their story.
        for root in (*self._roots, *sorted(self._groups, key=self._when)):
            open_: list[tuple[str, int, int | None]] = [(root, 0, None)] if root not in seen else []
            while open_:
                key, depth, cause = open_.pop()
                if key in seen:
                    continue
                seen.add(key)
                node = self._node(key, depth, cause)
                nodes.append(node)
                began = node.starts[0] if node.starts else cause
                open_ += [(one, depth + 1, began) for one in reversed(self._effects[key])]
        return tuple(nodes)

    def _node(self, key: str, depth: int, cause: int | None) -> Node:
        publish = self._publish.get(key)
        attempts = _in_order(self._groups[key])
        if publish and publish.time is not None and depth:
            cause = max(cause or 0, publish.time)
        starts = tuple(self.clocks.put_after(unit.host, unit.started, cause) for unit in attempts)
        is_caused = any(unit.causation_id for unit in attempts) or publish is not None
        return Node(depth, tuple(attempts), starts, publish, is_caused)


def _in_order(attempts: list[Unit]) -> list[Unit]:
    # The number of the attempt decides before its time does.
    return sorted(
        attempts, key=lambda unit: (unit.retries or 0, unit.started is None, unit.started or 0)
    )
