"""What happens to functions that are given away: stored, or passed to code that is not seen."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import Driven, Signature
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Choice,
    ClassValue,
    ContextValue,
    Coroutine,
    EnteredLater,
    FunctionValue,
    Instance,
    Items,
    Many,
    Method,
    ModuleValue,
    Parameter,
    PartialValue,
    Possibly,
    PropertyValue,
    StepValue,
    Table,
    TaskValue,
    Text,
    Value,
)

from ._frame import DEEPEST_LISTS
from ._hooks import use_methods
from ._libraries_known import is_describing, is_inert, is_standard
from ._trees import NOTHING_HAPPENS, Cross, Possible, Run, Tree, block_of

if TYPE_CHECKING:
    from ._engine import Engine
    from ._exposure import Place
    from ._frame import Frame

Resolve = Callable[[Value], Value]
ANY_ARGUMENTS = Arguments(starred=True)
FunctionLike = FunctionValue | StepValue | TaskValue
_REPLACING = ("mock.", "pytest_mock.")
_CONTAINERS = (Items, Many, Table, Choice)
_CALLABLE = (FunctionValue, StepValue, TaskValue, PartialValue, Signature)


def give(frame: Frame, value: Value, node: ast.AST, place: Place = "stored") -> None:
    """Note that functions in `value` are put where they are lost sight of.

    Args:
        frame: where that happens.
        value: what is put there.
        node: by what.
        place: where.
    """
    if frame.is_recorded:
        for tree in calls_of(frame, value, node):
            frame.escape(tree, place)


def put_into(frame: Frame, value: Value, container: ast.expr, node: ast.AST) -> None:
    """Note that functions in `value` are put into `container` by `node`, and may be found there."""
    if not frame.is_recorded:
        return
    word = _word_of(frame, container)
    if word and _may_be_given(value):
        frame.engine.exposure.containers[word] = None
    for tree in calls_of(frame, frame.engine.resolve(value), node):
        frame.escape(tree, "stored", word)
        if not word:  # others know it by names that are not seen here
            frame.expose(tree)


def name_it(frame: Frame, value: Value, target: ast.Name) -> None:
    """Note that functions in `value` are found under an attribute of a class."""
    if frame.is_recorded:
        for tree in calls_of(frame, frame.engine.resolve(value), target):
            frame.escape(tree, "named", target.id)


def hand_on(frame: Frame, expression: ast.expr) -> None:
    """Note that what `expression` stands for gets another name: an argument's, an attribute's."""
    if frame.is_recorded and isinstance(expression, ast.Name | ast.Attribute):
        word = _word_of(frame, expression)
        if word:
            frame.engine.exposure.handed.add(word)


def _word_of(frame: Frame, container: ast.expr) -> str:
    """Return the name by which code elsewhere finds `container`, or nothing if it has none."""
    scope = frame.scope
    while True:
        match container:
            case ast.Subscript(value=inner) | ast.Call(func=ast.Attribute(value=inner)):
                container = inner
            case ast.Attribute(attr=name):
                return name
            case ast.Name(id=name):
                is_own = isinstance(scope, Function) and (
                    name in scope.parameters
                    or (name in scope.bindings.names and name not in scope.bindings.outside)
                )
                return "" if is_own else name
            case _:
                return ""


def _may_be_given(value: Value) -> bool:
    """Tell whether `value` is, or holds, what a caller gives."""
    match value:
        case Parameter():
            return True
        case Items(items=items) | Many(items=items) | Choice(options=items):
            return any(_may_be_given(item) for item in items)
    return False


def pass_on(frame: Frame, value: Value, node: ast.AST) -> None:
    """Give `value` to code that is not seen, which may call it at once or whenever it likes."""
    if frame.is_recorded:
        for tree in calls_of(frame, value, node):
            frame.emit(Possible(tree))
            frame.escape(tree, "library")
            frame.expose(tree)


def pass_to_library(frame: Frame, name: str, value: Value, node: ast.AST) -> None:
    """Give `value` to the function `name` of a library."""
    if not frame.is_recorded:
        return
    for cls in classes_in(frame.engine.resolve(value)):
        frame.lose_class(cls)
    leave_what_describes(frame, name, value, node)
    if not is_inert(name) or _RENDERING.search(name):
        for instance in _instances_in(frame.engine.resolve(value)):
            use_methods(frame, instance, node)
    if not is_standard(name):
        pass_on(frame, value, node)
        if isinstance(value, Text) and not name.startswith(_REPLACING):
            pass_on(frame, _named_by(frame, value), node)
        if not is_inert(name):
            for cls in classes_in(value):
                frame.expose_class(cls)
        return
    # The standard library calls it at once, or when a signal or the like comes.
    for tree in calls_of(frame, value, node):
        frame.emit(Possible(tree))
        frame.expose(tree)


def _named_by(frame: Frame, text: Text) -> Value:
    """Return the function whose dotted name is `text`, as queues take it, or nothing."""
    from ._lookup import imported, member

    path, _, last = (text.constant or "").replace(":", ".").rpartition(".")
    if not path or last not in frame.engine.relevant:
        return UNKNOWN
    module = imported(frame.engine, path, frame.scope.module)
    return member(frame.engine, module, last) if isinstance(module, ModuleValue) else UNKNOWN


def leave_what_describes(frame: Frame, name: str, value: Value, node: ast.AST) -> None:
    """Note that a library has functions in `value` by its own `name` to check instances with."""
    if frame.is_recorded and is_describing(name):
        for tree in calls_of(frame, value, node):
            frame.leave_to_library(tree)


def calls_of(frame: Frame, value: Value, node: ast.AST) -> list[Tree]:
    """Return what a call of each function in `value` would run."""
    value = frame.engine.resolve(value)
    if isinstance(value, _CONTAINERS):
        return [
            tree
            for item in _leaves(frame.engine, value)
            for tree in _calls_of_one(frame, item, node)
        ]
    return _calls_of_one(frame, value, node)


def _leaves(engine: Engine, value: Value) -> Iterator[Value]:
    """Yield what lists, tables and choices consist of, each once however often it is in them."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = engine.resolve(waiting.pop())
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Choice):
            waiting.extend(reversed(one.options))
        elif isinstance(one, Items | Many | Table):
            waiting.extend(reversed(one.items))
        else:
            yield one


def _calls_of_one(frame: Frame, value: Value, node: ast.AST) -> list[Tree]:
    match value:
        case Possibly(inner=inner):
            return calls_of(frame, inner, node)
        case Coroutine(tree=tree):
            return [tree]
        case EnteredLater(node=generator):
            return [Cross("call", Run(generator, frame.where(node)))]
        case ContextValue(inner=inner) | PropertyValue(inner=inner) | Driven(inner=inner):
            return calls_of(frame, inner, node)
        case Method(owner=owner) if isinstance(owner, _CALLABLE):
            return _called(frame, value, node)
        case ClassValue():
            return _called(frame, value, node)
        case Instance(cls=cls) if frame.engine.has_method(cls, "__call__"):
            return _called(frame, value, node)
        case FunctionValue() | StepValue() | TaskValue() | PartialValue() | Signature():
            return _called(frame, value, node)
    return []


def call_tree(frame: Frame, value: Value, arguments: Arguments, node: ast.AST) -> Tree:
    """Return what a call of `value` runs, to its end, without letting it happen."""
    from ._calls import call

    with frame.captured() as events:
        result = call(frame, frame.engine.resolve(value), arguments, node)
        if not frame.engine.is_far(result):
            frame.consume(result)
    return block_of(events)


def _called(frame: Frame, value: Value, node: ast.AST) -> list[Tree]:
    tree = call_tree(frame, value, ANY_ARGUMENTS, node)
    return [] if tree is NOTHING_HAPPENS else [tree]


def functions_in(resolve: Resolve, value: Value, depth: int = 0) -> Iterator[FunctionLike]:
    """Yield the functions in `value`, which may be a list of them.

    Args:
        resolve: returns what the result of a call is.
        value: see above.
        depth: in how many lists it stands.
    """
    if depth > DEEPEST_LISTS:
        return
    match resolve(value):
        case Items(items=items) | Many(items=items) | Table(items=items) | Choice(options=items):
            for item in items:
                yield from functions_in(resolve, item, depth + 1)
        case (
            Possibly(inner=inner)
            | PropertyValue(inner=inner)
            | ContextValue(inner=inner)
            | PartialValue(inner=inner)
        ):
            yield from functions_in(resolve, inner, depth + 1)
        case FunctionValue() | StepValue() | TaskValue() as function:
            yield function


def classes_in(value: Value) -> list[Class]:
    """Return the classes that `value` is, or is an instance of."""
    match value:
        case Instance(cls=cls) | ClassValue(cls=cls):
            return [cls]
        case Items(items=items) | Many(items=items) | Table(items=items) | Choice(options=items):
            return [cls for item in items for cls in classes_in(item)]
    return []


def _instances_in(value: Value) -> list[Instance]:
    """Return the instances in `value`, in what is handed to a template too."""
    match value:
        case Instance():
            return [value]
        case Items(items=items) | Many(items=items) | Table(items=items) | Choice(options=items):
            return [one for item in items for one in _instances_in(item)]
    return []


# A template reads attributes and calls methods of what it shows.
_RENDERING = re.compile(r"(?i)render|template|jinja")
