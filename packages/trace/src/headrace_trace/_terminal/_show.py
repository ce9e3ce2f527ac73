"""The story of an operation as a tree with a waterfall and its log lines."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from headrace_trace._model import Line, Unit
from headrace_trace._story import Node, Story

from ._list import STYLES
from ._text import duration_text, shown, time_text

_BAR = 30
_BLOCKS, _ASCII = ("·", "█"), (".", "#")
"""The characters for time in the queue and for work."""
_DEEPEST = 20  # what is deeper is not indented further


class StoryView:
    """A story, for a console of rich."""

    def __init__(self, story: Story) -> None:
        self._story = story

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _lines(self._story, _ASCII if options.ascii_only else _BLOCKS)


def story_line(line: Line) -> str:
    """Return a line of an operation by itself."""
    process = "/".join(shown(str(part)) for part in (line.service, line.host, line.pid) if part)
    return f"{time_text(line.time)} {process} {_text(line)}"


def _lines(story: Story, signs: tuple[str, str]) -> Iterator[Text]:
    scale = _Scale(story, signs)
    yield Text(f"{story.flow_id}  {time_text(scale.first)}  {duration_text(scale.length / 1000)}")
    for clock in story.clocks:
        host = shown(clock.host) or "a host without a name"
        text = f"the clock of {host} is at least {duration_text(clock.behind_ms)} behind"
        yield Text(f"! {text}: its times are shown so much later", style="yellow")
    for node in story.nodes:
        yield from _node(node, story, scale)


def _node(node: Node, story: Story, scale: _Scale) -> Iterator[Text]:
    indent = "  " * min(node.depth, _DEEPEST)
    if not node.attempts and node.publish is not None:
        state = f"not sent: {shown(node.publish.error)}" if node.publish.error else "not started"
        yield Text(f"{' ' * _BAR} {indent}{shown(node.publish.task)}  {state}", style="yellow")
    for number, (unit, start) in enumerate(zip(node.attempts, node.starts, strict=True), 1):
        attempt = f" attempt {number}" if len(node.attempts) > 1 else ""
        bar = scale.bar(unit, start)
        yield Text.assemble(
            bar, f" {indent}{_title(unit)}{attempt}  ", _outcome(unit), _facts(unit)
        )
        for line in story.lines.get(unit.unit_id, ()):
            if line.event not in {"unit.start", "unit.end"}:
                yield Text(
                    f"{' ' * _BAR} {indent}  {time_text(line.time)[11:]} {_text(line)}", style="dim"
                )


def _title(unit: Unit) -> str:
    words = [shown(unit.method), shown(unit.title)]
    where = "/".join(shown(str(part)) for part in (unit.service, unit.host, unit.pid) if part)
    return " ".join(word for word in words if word) + (f" [{where}]" if where else "")


def _outcome(unit: Unit) -> Text:
    if unit.has_end:
        outcome = unit.outcome or "ok"
        return Text(shown(outcome), style=STYLES.get(outcome, "yellow"))
    return Text("no end" if unit.has_start else "", style="yellow")


def _facts(unit: Unit) -> str:
    facts = [duration_text(unit.duration_ms)] if unit.duration_ms is not None else []
    if unit.queue_ms is not None:
        facts.append(f"queued {duration_text(unit.queue_ms)}")
    if unit.redelivered:
        facts.append("redelivered")
    if unit.error:
        facts.append(shown(unit.error))
    return "".join(f"  {fact}" for fact in facts)


def _text(line: Line) -> str:
    text = f"{shown(line.level) or '-'} {shown(line.message) or shown(line.event)}"
    error = (line.exception or "").rstrip().rpartition("\n")[2]
    return f"{text}  {shown(error)}" if error else text


class _Scale:
    """Places times on a bar of fixed width."""

    def __init__(self, story: Story, signs: tuple[str, str]) -> None:
        self._queued, self._worked = signs
        starts = [start for node in story.nodes for start in node.starts if start is not None]
        ends = [
            start + _length(unit)
            for node in story.nodes
            for unit, start in zip(node.attempts, node.starts, strict=True)
            if start is not None
        ]
        self.first = min(starts, default=None)
        self.length = max(max(ends, default=0) - (self.first or 0), 1)

    def bar(self, unit: Unit, start: int | None) -> Text:
        """Return the bar of a unit: dots while it was in the queue, blocks while it ran."""
        if start is None or self.first is None:
            return Text(" " * _BAR)
        queued = int((unit.queue_ms or 0) * 1000)
        begin, run, end = (
            min(max(round((time - self.first) / self.length * _BAR), 0), _BAR)
            for time in (start - queued, start, start + _length(unit))
        )
        run = min(run, _BAR - 1)
        begin = min(begin, run)
        end = max(end, run + 1)
        return Text.assemble(
            " " * begin,
            (self._queued * (run - begin), "yellow"),
            (self._worked * (end - run), "blue"),
            " " * (_BAR - end),
        )


def _length(unit: Unit) -> int:
    if unit.duration_ms is not None:
        return int(unit.duration_ms * 1000)
    if unit.started is None or unit.last is None:
        return 0
    return max(unit.last - unit.started, 0)
