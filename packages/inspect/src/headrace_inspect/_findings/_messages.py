"""HR301 to HR306: what breaks messages that were published before a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace_inspect._evaluate._values import FunctionValue
from headrace_inspect._models._tasks import Task
from headrace_inspect._report import Finding, Message
from headrace_inspect._symbols._entities import Function

Names = tuple[str, ...]


def signature_of(task: Task, function: Function) -> tuple[Names, Names, Names]:
    """Return what takes positional arguments, what takes keywords, and what needs either.

    Args:
        task: the task.
        function: its function; the first parameters of one that is bound are not passed.
    """
    syntax, inner = function.syntax, task.inner
    skipped = task.is_bound + (isinstance(inner, FunctionValue) and inner.receiver is not None)
    positional, named, needed = list[str](), list[str](), list[str]()
    for number, (name, _, default, is_positional) in enumerate(syntax.parameters):
        if number >= skipped or not is_positional:
            positional += [name] if is_positional else []
            named += [name] if number >= syntax.only_positional else []
            needed += [name] if default is None else []
    positional += ["*"] if syntax.vararg else []
    named += ["**"] if syntax.kwarg else []
    return tuple(positional), tuple(named), tuple(needed)


def breaking(before: Sequence[Message], after: Sequence[Message]) -> Iterator[Finding]:
    """Find what fails messages that were published under `before` and run under `after`."""
    old, new = ({one.name: one for one in tasks} for tasks in (before, after))
    fresh = [one for name, one in new.items() if name not in old]
    for name, task in old.items():
        now = new.get(name) or _successor(task, fresh)
        if now is None:
            yield _finding("HR302", task, task, "was here and is gone")
        elif now.name != name:
            yield _finding("HR301", task, now, f"is now called {now.name!r}")
        else:
            yield from _changed(task, now)


def _successor(task: Message, fresh: Sequence[Message]) -> Message | None:
    """Return the new task that has the function of one that is gone, here or elsewhere."""
    same = [one for one in fresh if one.function == task.function]
    here = [one for one in same if one.place.file == task.place.file]
    found = here or [one for one in same if one.positional == task.positional]
    return found[0] if len(found) == 1 else None


def _changed(old: Message, new: Message) -> Iterator[Finding]:
    before, after = {*old.positional, *old.named}, {*new.positional, *new.named}
    renamed = {there for here, there in _pairs(old, new) if here not in after}
    added = [name for name in new.needed if name not in {*old.needed, *renamed}]
    has_no = [f"{one!r} has {'now ' if one in before else ''}no default" for one in added]
    for code, words in (("HR303", has_no), ("HR304", [*_lost(old, new, before, after)])):
        if words:
            yield _finding(code, old, new, ", ".join(words), colon=":")
    for code, what in (("HR305", "queue"), ("HR306", "serializer")):
        was, now = (getattr(task, what) or "default" for task in (old, new))
        if was != now:
            yield _finding(code, old, new, f"{what} {was!r} is now {now!r}", colon=":")


def _lost(old: Message, new: Message, before: set[str], after: set[str]) -> Iterator[str]:
    """Yield in words the parameters that old messages may fill, and the task does not take."""
    for number, (name, there) in enumerate(_pairs(old, new), start=1):
        if name in after - {"*", there}:
            yield f"{name!r} is no longer argument {number}"
        elif name not in {"*", there} and there not in {"*", *before}:
            yield f"{name!r} is now {there!r}"
        elif name not in {"*", there} and not {"*", "**"} <= after:
            yield f"{name!r} is gone"
    for name in old.named if "**" not in new.named else ():
        if name not in {"**", *old.positional, *new.named}:
            yield f"{name!r} is gone"


def _pairs(old: Message, new: Message) -> Iterator[tuple[str, str]]:
    """Yield the parameters at the same positions, before and after."""
    return zip(old.positional, (*new.positional, *["*"] * len(old.positional)), strict=False)


def _finding(code: str, old: Message, at: Message, words: str, *, colon: str = "") -> Finding:
    what = "stay as they were" if code in {"HR305", "HR306"} else "fail"
    text = f"task {old.name!r}{colon} {words}; messages that are already published {what}"
    return Finding(code, None, None, old.name, at.place, text)
