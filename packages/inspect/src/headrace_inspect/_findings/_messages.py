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
    node, inner = function.node.args, task.inner
    skipped = task.is_bound + (isinstance(inner, FunctionValue) and inner.receiver is not None)
    every = [one.arg for one in (*node.posonlyargs, *node.args)]
    positional, named = every[skipped:], every[max(skipped, len(node.posonlyargs)) :]
    needed = every[skipped : max(skipped, len(every) - len(node.defaults))]
    for one, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        named.append(one.arg)
        needed += [one.arg] if default is None else []
    positional += ["*"] if node.vararg else []
    named += ["**"] if node.kwarg else []
    return tuple(positional), tuple(named), tuple(needed)


def breaking(before: Sequence[Message], after: Sequence[Message]) -> Iterator[Finding]:
    """Find what fails messages that were published under `before` and run under `after`."""
    old, new = ({one.name: one for one in tasks} for tasks in (before, after))
    fresh = [one for name, one in new.items() if name not in old]
    for name, task in old.items():
        if name in new:
            yield from _changed(task, new[name])
        elif (heir := _successor(task, fresh)) is not None:
            yield _finding("HR301", task, heir, f"task {name!r} is now called {heir.name!r}")
        else:
            message = f"task {name!r} was here and is gone"
            yield _finding("HR302", task, task, message)


def _successor(task: Message, fresh: Sequence[Message]) -> Message | None:
    """Return the new task that has the function of one that is gone, here or elsewhere."""
    same = [one for one in fresh if one.function == task.function]
    here = [one for one in same if one.place.file == task.place.file]
    found = here or [one for one in same if one.positional == task.positional]
    return found[0] if len(found) == 1 else None


def _changed(old: Message, new: Message) -> Iterator[Finding]:
    renamed = {there for here, there in _pairs(old, new) if here not in _all(new)}
    added = [name for name in new.needed if name not in {*old.needed, *renamed}]
    if added:
        has_no = [f"{one!r} has {'now ' if one in _all(old) else ''}no default" for one in added]
        yield _finding("HR303", old, new, f"task {old.name!r}: {', '.join(has_no)}")
    lost = [*_lost(old, new)]
    if lost:
        yield _finding("HR304", old, new, f"task {old.name!r}: {', '.join(lost)}")
    for code, what, was, now in (
        ("HR305", "queue", old.queue, new.queue),
        ("HR306", "serializer", old.serializer, new.serializer),
    ):
        if was != now:
            words = f"{what} {was or 'default'!r} is now {now or 'default'!r}"
            yield _finding(code, old, new, f"task {old.name!r}: {words}")


def _lost(old: Message, new: Message) -> Iterator[str]:
    """Yield in words the parameters that old messages may fill, and the task does not take."""
    is_any = "*" in new.positional and "**" in new.named
    for number, (name, there) in enumerate(_pairs(old, new), start=1):
        if name in {"*", there}:
            continue
        if name in _all(new):
            yield f"{name!r} is no longer argument {number}"
        elif there not in {"*", *_all(old)}:
            yield f"{name!r} is now {there!r}"
        elif not is_any:
            yield f"{name!r} is gone"
    for name in old.named:
        if name not in {"**", *old.positional} and name not in new.named and "**" not in new.named:
            yield f"{name!r} is gone"


def _pairs(old: Message, new: Message) -> Iterator[tuple[str, str]]:
    """Yield the parameters at the same positions, before and after."""
    return zip(old.positional, (*new.positional, *["*"] * len(old.positional)), strict=False)


def _all(task: Message) -> set[str]:
    return {*task.positional, *task.named}


def _finding(code: str, old: Message, at: Message, message: str) -> Finding:
    what = "stay as they were" if code in {"HR305", "HR306"} else "fail"
    text = f"{message}; messages that are already published {what}"
    return Finding(code, None, None, old.name, at.place, text)
