"""Celery's canvas: chain, group, chord, link, the | operator, replace."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._library_values import Signature
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    Arguments,
    Choice,
    External,
    Items,
    Many,
    Nothing,
    PartialValue,
    TaskValue,
    Value,
    choice_of,
)
from headrace_inspect._running._frame import DEEPEST_LISTS
from headrace_inspect._running._trees import (
    NOTHING_HAPPENS,
    Block,
    Branch,
    Cross,
    Kind,
    Leave,
    Loop,
    Parallel,
    Tree,
    block_of,
)

from ._celery_tasks import TASKS, run_by_name
from ._registry import function, method
from ._running_arguments import call_now, tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame

CANVAS = ("chain", "group", "chord")


@function("celery.chain", "celery.canvas.chain", "celery.group", "celery.canvas.group")
def chain_or_group(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``chain(a, b)``, ``group(a, b)``, ``group([a, b])``, ``group(a for ...)``."""
    how = value.name.rpartition(".")[2]
    parts = [part for given in arguments.positional for part in works_in(frame, given, how)]
    ordered = not any(
        isinstance(frame.engine.resolve(given), Many) for given in arguments.positional
    )
    return Signature(how if ordered else "group", tuple(parts))


@function("celery.chord", "celery.canvas.chord")
def chord(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``chord(header, body)`` and ``chord(header)(body)``."""
    header = Signature("group", tuple(works_in(frame, arguments.get(0, "header"))))
    body = works_in(frame, arguments.get(1, "body"))
    return Signature("chord", (header, *body[:1]))


@function("celery.signature", "celery.canvas.signature", "celery.Celery().signature")
def by_name(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``signature("name")``."""
    name = frame.engine.resolve(arguments.get(0, "varies", "task") or UNKNOWN)
    return name if isinstance(name, Signature) else Signature("task", (_ByName.of(name),))


class _ByName:
    """A task by its name, as a value that can be called."""

    @staticmethod
    def of(name: Value) -> Value:
        """Return the value."""
        return PartialValue(External("headrace_inspect.task_by_name"), Arguments((name,)))


@function("headrace_inspect.task_by_name")
def call_by_name(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Run the task of this name."""
    frame.emit(run_by_name(frame, arguments.get(0) or UNKNOWN, node))
    return UNKNOWN


# --- doing the work -------------------------------------------------------------------------------


@method(Signature, "delay", "apply_async")
def publish(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``work.delay()``, ``work.apply_async(link=..., link_error=...)``."""
    work = value.owner
    kind: Kind = "canvas" if work.how in CANVAS else "enqueue"
    options = arguments if value.name == "apply_async" else Arguments()
    linked = Signature(
        work.how,
        work.parts,
        (*work.links, *works_in(frame, options.get(None, "link"))),
        (*work.errors, *works_in(frame, options.get(None, "link_error"))),
    )
    frame.emit(Cross(kind, tree_of_work(frame, Signature(work.how, work.parts), node)))
    extra = links_of(frame, linked, node)
    if extra is not NOTHING_HAPPENS:
        frame.emit(Cross("canvas", extra))
    return External("celery.result.AsyncResult()")


def call_signature(frame: Frame, work: Signature, arguments: Arguments, node: ast.AST) -> Value:
    """Let ``work(...)`` happen: a task runs here and now, a canvas is published."""
    if work.how == "task":
        return call_now(frame, work.parts[0], Arguments(), node)
    if work.how == "chord":
        body = works_in(frame, arguments.get(0, "body"))
        work = Signature("chord", (*work.parts, *body), work.links, work.errors)
    frame.emit(Cross("canvas", tree_of_work(frame, work, node)))
    return External("celery.result.AsyncResult()")


@method(Signature, "apply")
def apply(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``work.apply()``: here and now."""
    frame.emit(tree_of_work(frame, value.owner, node))
    return UNKNOWN


@function("celery.Task().replace", "celery.Task().add_to_chord")
def replace(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``self.replace(work)``, which does not return."""
    for work in works_in(frame, arguments.get(0, "sig")):
        frame.emit(Cross("canvas", tree_of_work(frame, work, node)))
    if value.name.endswith("replace"):
        frame.emit(Leave("raise"))
    return UNKNOWN


# --- changing it ----------------------------------------------------------------------------------


@method(Signature, "set", "clone", "freeze", "on_error", "link", "link_error", "si", "s")
def changed(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Methods that give the work itself, perhaps with links."""
    work: Signature = value.owner
    more = tuple(works_in(frame, arguments.get(0))) if value.name in _LINKING else ()
    if value.name == "link":
        return Signature(work.how, work.parts, (*work.links, *more), work.errors)
    return Signature(work.how, work.parts, work.links, (*work.errors, *more))


def piped(left: Value, right: Value) -> Value:
    """Return ``left | right``: a chain, or a chord where a group comes before something."""
    if not isinstance(left, Signature) and not isinstance(right, Signature):
        return UNKNOWN
    return Signature("chain", (*_parts(left), *_parts(right)))


def _parts(work: Value) -> tuple[Value, ...]:
    """Return what `work` adds to a chain; a choice of works may be any of them."""
    if isinstance(work, Signature) and work.how == "chain" and not work.links:
        return work.parts
    options = work.options if isinstance(work, Choice) else (work,)
    return (choice_of([one if isinstance(one, Signature) else UNKNOWN for one in options]),)


def works_in(frame: Frame, value: Value | None, how: str = "group", depth: int = 0) -> list[Value]:
    """Return the work that `value` is, or consists of; a choice of lists as a choice of `how`."""
    if depth > DEEPEST_LISTS:
        return [UNKNOWN]
    match frame.engine.resolve(value) if value is not None else NOTHING:
        case Signature() as work:
            return [work]
        case Items(items=items) | Many(items=items):
            return [work for item in items for work in works_in(frame, item, how, depth + 1)]
        case Choice(options=options):
            return [Choice(tuple(_one_work(frame, option, how) for option in options))]
        case TaskValue() as task:
            return [Signature("task", (task,))]
        case Nothing():
            return []
    return [UNKNOWN]


def _one_work(frame: Frame, value: Value, how: str) -> Value:
    works = works_in(frame, value, how)
    return works[0] if len(works) == 1 else Signature(how, tuple(works))


def tree_of_work(frame: Frame, work: Value, node: ast.AST) -> Tree:
    """Return what doing `work` runs: any task, perhaps, where it is not known."""
    match work:
        case Choice(options=options):
            return Branch([tree_of_work(frame, one, node) for one in options])
        case Signature(how="task", parts=(task,)):
            tree, _ = tree_of_call(frame, task, Arguments(), node)
            return _linked(frame, work, [tree], node)
        case Signature(how="group", parts=parts):
            trees = [Loop(tree_of_work(frame, part, node)) for part in parts]
            return _linked(frame, work, [Parallel(trees)], node)
        case Signature(parts=parts):
            return _linked(frame, work, [tree_of_work(frame, part, node) for part in parts], node)
    return frame.any_of(TASKS, node)


def _linked(frame: Frame, work: Signature, trees: Sequence[Tree], node: ast.AST) -> Tree:
    extra = links_of(frame, work, node)
    return block_of([*trees, extra]) if extra is not NOTHING_HAPPENS else block_of(trees)


def links_of(frame: Frame, work: Signature, node: ast.AST) -> Tree:
    """Return what runs behind `work`, or if it fails."""
    links = [tree_of_work(frame, link, node) for link in work.links]
    errors = [tree_of_work(frame, error, node) for error in work.errors]
    if not links and not errors:
        return NOTHING_HAPPENS
    return Branch([Block(links), *errors])


_LINKING = frozenset(["link", "link_error", "on_error"])
