"""HR300 to HR308: lost evidence, and what breaks messages and runs that began before a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import ndiff
from hashlib import blake2b
from typing import TYPE_CHECKING

from headrace_inspect._git import OldTree
from headrace_inspect._report import (
    Boundary,
    Changes,
    DurableChain,
    Edge,
    Facts,
    Finding,
    Link,
    Lost,
    Message,
    Since,
)
from headrace_inspect._sources import shown

if TYPE_CHECKING:
    from headrace_inspect._evaluate._contexts import Context
    from headrace_inspect._evaluate._engine import Engine

_LENGTH = 16


def calls_in(engine: Engine) -> Iterator[str]:
    """Yield a digest of each call of a program, by which the calls of two trees are compared."""
    functions: dict[Context, frozenset[str]] = {}
    files: dict[str, str] = {}
    for context in engine.all_contexts():
        path = context.module.path if context.module is not None else ""
        if path and path not in files:
            files[path] = shown(path)
        scope = context.function.qualname if context.function is not None else ""
        for event in context.events if path else ():
            for target in event.targets:
                for name in _functions_at(target, functions):
                    yield _digest(files[path], scope, name, event.kind)


def _functions_at(context: Context, known: dict[Context, frozenset[str]]) -> frozenset[str]:
    """Return the function of a body, or those that hang together at a place."""
    if context.function is not None:
        return frozenset([context.function.qualname])
    if context not in known:
        known[context] = frozenset()  # of a place that leads to itself
        targets = [target for event in context.events for target in event.targets]
        known[context] = frozenset([""]).union(*[_functions_at(one, known) for one in targets])
    return known[context]


def _digest(file: str, scope: str, target: str, kind: str) -> str:
    words = "\0".join([file, scope, target, kind]).encode("utf-8", "backslashreplace")
    return blake2b(words, digest_size=_LENGTH // 2).hexdigest()


# --- evidence -------------------------------------------------------------------------------------


def compared(old: Facts, new: Facts, base: OldTree) -> tuple[Since, list[Finding]]:
    """Return the changes between two trees, and the findings about them."""
    # Code behind links and submodules is not new: the old tree was read without it.
    aside = tuple(f"{shown(path)}/" for path in base.unfollowed)
    known = {one.id for one in new.steps if not f"{one.place.file}/".startswith(aside)}
    then, today = ({one.id for one in facts.steps} for facts in (old, new))
    was, now = ({edge.id: edge for edge in facts.edges} for facts in (old, new))
    added = [now[name] for name in now.keys() - was.keys()]
    calls = {new.calls[at : at + _LENGTH] for at in range(0, len(new.calls), _LENGTH)}
    hidden = {one.about: one for one in new.not_shown}
    lost: list[Lost] = []
    found: list[Finding] = []
    rerouted: list[str] = []
    boundary: list[Boundary] = []
    for name, edge in was.items():
        if not edge.evidence or name not in now:
            continue
        broken = next((link for link in edge.evidence if not _is_in(link, calls)), None)
        if now[name].evidence and edge.kind != now[name].kind:
            boundary.append(Boundary(name, edge.kind, now[name].kind))
        elif now[name].evidence and broken is not None:
            rerouted.append(name)
        elif name in hidden:  # it is not shown, and nothing else is wrong with it
            message, at = _message(edge, broken), hidden[name]
            found.append(replace(at, code="HR300", message=message, evidence=edge.evidence))
            place = (broken or edge.evidence[edge.pivot or -1]).place
            lost.append(Lost(name, edge.evidence[-1].place, place))
    edges = Changes(
        tuple(sorted(one.id for one in added if f"{one.flow}:{one.target}" in known)),
        tuple(sorted(was.keys() - now.keys())),
        tuple(rerouted),
        tuple(boundary),
    )
    steps = Changes(tuple(sorted(known - then)), tuple(sorted(then - today)))
    in_flight = (*_breaking(old.messages, new.messages), *_parking(old.chains, new.chains))
    since = Since("", base.commit, tuple(lost), steps, edges, in_flight)
    return since, [*found, *in_flight]


def names_in(found: Sequence[Finding]) -> set[str]:
    """Return the names of the functions that lost evidence called, and of their classes."""
    links = [link for one in found if one.code == "HR300" for link in one.evidence]
    return {name for link in links for name in link.target.split(".") if name}


def _is_in(link: Link, calls: set[str]) -> bool:
    return _digest(link.place.file, link.scope, link.target, link.kind) in calls


def _message(edge: Edge, broken: Link | None) -> str:
    """Return where an edge was shown, and the first call that broke."""
    first, last = _place(edge.evidence[0]), _place(edge.evidence[-1])
    reason = f"and no longer runs after {first}" if edge.pivot else "and no longer is"
    if broken is not None:
        call = "that call" if broken == edge.evidence[-1] else f"the call at {_place(broken)}"
        reason = f"and {call} is gone, or leads elsewhere"
    return f"`{edge.source} -> {edge.target}` was shown at {last}, {reason}"


def _place(link: Link) -> str:
    return f"{link.place} (`{link.text}`)"


# --- messages and runs ----------------------------------------------------------------------------


def _breaking(before: Sequence[Message], after: Sequence[Message]) -> Iterator[Finding]:
    """Find what breaks messages that were published under `before` and run under `after`."""
    old, new = ({one.name: one for one in tasks} for tasks in (before, after))
    fresh = [one for name, one in new.items() if name not in old]
    for name, task in old.items():
        now = new.get(name) or _successor(task, fresh)
        if now is None:
            yield _finding("HR302", task, task, "was removed")
        elif now.name != name:
            yield _finding("HR301", task, now, f"is now called {now.name!r}")
        else:
            yield from _changed(task, now)


def _successor(task: Message, fresh: Sequence[Message]) -> Message | None:
    """Return the new task with the function of a removed one, in its file or elsewhere."""
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
    """Describe the parameters that old messages may fill, but the task no longer accepts."""
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


def _parking(before: Sequence[DurableChain], after: Sequence[DurableChain]) -> Iterator[Finding]:
    """Find the durable chains of `before` whose unfinished runs `after` does not continue."""
    new = {one.name: one for one in after}
    for was in before:
        now = new.get(was.name)
        if now is None:
            message = f"durable chain {was.name!r} was removed; its unfinished runs are stuck"
            yield Finding("HR308", None, None, was.name, was.place, message)
            continue
        lines = [line for line in ndiff(was.lines, now.lines) if line[0] in "-+"]
        difference = "; ".join([" ".join(line.split()) for line in lines])
        message = (
            f"durable chain {was.name!r} has changed: {difference}; its unfinished runs are parked"
        )
        if lines:
            yield Finding("HR307", None, None, was.name, now.place, message)
