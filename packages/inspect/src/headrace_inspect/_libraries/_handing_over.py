"""Work that is put off: after the commit, after the response."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._values import UNKNOWN, Arguments, External, Value
from headrace_inspect._running._trees import Cross, Later, Tree

from ._registry import function
from ._running_arguments import tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame


@function("django.db.transaction.on_commit", "headrace_django.on_commit")
def on_commit(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``transaction.on_commit(f)``: at the end of the transaction that is seen, or now."""
    tree, _ = tree_of_call(frame, arguments.get(0, "func"), Arguments(), node)
    put_off(frame, tree)
    return UNKNOWN


def put_off(frame: Frame, tree: Tree) -> None:
    """Let `tree` happen at the end of the transaction that is seen, or now."""
    crossing = Cross("on_commit", tree)
    frame.emit(Later(crossing) if frame.in_transaction else crossing)


@function(
    "fastapi.BackgroundTasks().add_task",
    "fastapi.background.BackgroundTasks().add_task",
    "starlette.background.BackgroundTasks().add_task",
)
def add_task(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``background.add_task(f, ...)``: after the response, and so after the endpoint."""
    tree, _ = tree_of_call(frame, arguments.get(0, "func"), arguments.after(1), node)
    frame.emit(Later(Cross("call", tree), is_last=True))
    return UNKNOWN


@function("starlette.background.BackgroundTask", "fastapi.background.BackgroundTask")
def background_task(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``BackgroundTask(f, ...)``, which a response takes along."""
    tree, _ = tree_of_call(frame, arguments.get(0, "func"), arguments.after(1), node)
    frame.emit(Later(Cross("call", tree), is_last=True))
    return External("starlette.background.BackgroundTask()")
