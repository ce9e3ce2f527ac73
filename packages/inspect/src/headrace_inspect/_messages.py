"""What findings say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headrace.commands import counted, nearest_name
from headrace_inspect._source._discovery import shown

if TYPE_CHECKING:
    from headrace_inspect._flows._steps import DeclaredStep, Name

_MOST_NAMES = 8


def while_missing(paths: int) -> str:
    """What ends a message that is not sure while files could not be analysed."""
    return f"; {counted(paths, 'path')} could not be analysed, so this is not sure"


def unreached(target: Name, *, has_start: bool, is_sure: bool, is_dynamic: bool) -> str:
    """HR101; `is_dynamic` where something that is known only at run time intervenes."""
    flow, name = target
    if not has_start:
        return f"flow {flow!r} has no entrypoint in the checked files, so nothing reaches {name!r}"
    if is_sure:
        return f"no entrypoint of flow {flow!r} reaches {name!r}"
    why = "; something that is known only at run time may" if is_dynamic else ""
    return f"no call in the source leads from an entrypoint of flow {flow!r} to {name!r}{why}"


def reversed_order(source: str, target: Name) -> str:
    """HR102."""
    return f"{target[1]!r} always runs before {source!r}, but is declared after it"


def never_before(source: str, target: Name) -> str:
    """HR103, for one predecessor."""
    return f"{source!r} never runs before {target[1]!r}, which is declared after it"


def no_predecessor(sources: Sequence[str], target: Name) -> str:
    """HR103, for all predecessors."""
    named = ", ".join(map(repr, sources))
    return f"{target[1]!r} is reached, but none of {named} can run before it"


def unresolved(source: str, target: Name, *, is_dynamic: bool) -> str:
    """HR103, where that is not sure; `is_dynamic` as for `unreached`."""
    why = "; whether it does is known only at run time" if is_dynamic else ""
    return f"the source does not show that {source!r} runs before {target[1]!r}{why}"


def unreadable_after(target: Name) -> str:
    """HR103, where ``after=`` is computed."""
    return f"what {target[1]!r} is declared after is computed, and known only at run time"


def unreadable_name(function: str, what: str) -> str:
    """HR101, where the declaration itself is computed."""
    return f"{what} is computed where {function!r} is declared, and known only at run time"


def unknown(source: str, flow: str, names: Sequence[str], *, is_sure: bool) -> str:
    """HR104; it is not sure while a file that may declare the step could not be read."""
    near = nearest_name(source, names)
    if near is not None:
        hint = f"did you mean {near!r}?"
    else:
        known = sorted(names)
        listed = ", ".join(map(repr, known[:_MOST_NAMES])) + (
            ", …" if len(known) > _MOST_NAMES else ""
        )
        hint = f"its steps are {listed}; those of other flows are written 'flow.step'"
    where = "" if is_sure else " in the files that could be read"
    return f"after={source!r} names no declared step of flow {flow!r}{where}: {hint}"


def cycle(way: Sequence[str]) -> str:
    """HR105."""
    return f"the steps are declared in a circle: {' -> '.join(way)}"


def two_definitions(target: Name, first: DeclaredStep) -> str:
    """HR106."""
    flow, name = target
    place = f"line {first.line} of {shown(first.path)}"
    return f"flow {flow!r} has another step named {name!r}, on {place}"


def wrong_kind(target: Name, kind: str, *, is_task: bool) -> str:
    """HR107."""
    name = target[1]
    if is_task:
        how = (
            "by on_commit" if kind == "on_commit" else "over HTTP" if kind == "http" else "directly"
        )
        return f"{name!r} is declared as a task, but is called {how}, and not enqueued"
    return f"{name!r} is declared as a plain step, but is reached over a queue"


def ignores_no_code() -> str:
    """HR108, for a comment without codes."""
    return "the comment names no code: write it as # headrace: ignore[HR101]"


def idle_ignore(code: str, lines: Sequence[int], *, is_known: bool) -> str:
    """HR108, for a code of a comment; `lines` are those of the file that have such a finding."""
    if not is_known:
        return f"the comment ignores {code!r}, and there is no such code"
    hint = f"; there is one on line {', '.join(map(str, lines))}" if lines else ""
    return f"the comment ignores {code}, and there is no such finding on this line{hint}"
