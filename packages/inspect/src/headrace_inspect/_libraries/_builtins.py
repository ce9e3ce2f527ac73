"""Built-in functions: those that call others, and those that find them by name."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._entities import Function, Scope
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    Dynamic,
    External,
    Instance,
    Items,
    Many,
    ModuleValue,
    Possibly,
    SuperValue,
    Table,
    Text,
    Value,
    choice_of,
)
from headrace_inspect._running._attributes import attribute, attributes_of, fitting
from headrace_inspect._running._calls import call, call_library
from headrace_inspect._running._giving import give
from headrace_inspect._running._iterating import element_of, keys_of, listed
from headrace_inspect._running._lookup import imported, member
from headrace_inspect._running._narrowing import narrowed_to
from headrace_inspect._running._nodes import Hub
from headrace_inspect._running._texts import filled, joined
from headrace_inspect._running._trees import Cross, Leave, block_of

from ._registry import function, method
from ._running_arguments import call_for_each

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame

ALL = Hub("all")


@function("builtins.map", "builtins.filter", "itertools.starmap", "itertools.filterfalse")
def mapped(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What calls a function for each item."""
    if value.name == "itertools.starmap":
        give(frame, arguments.get(1) or UNKNOWN, node)
    with frame.captured() as events:
        result = _called_in_turn(frame, arguments, node) if value.name == "builtins.map" else None
        if result is None:
            result = call_for_each(frame, arguments.get(0), arguments.after(1), node)
    if events:
        frame.emit(Cross("call", block_of(events), is_lazy=True))
    if value.name in {"builtins.map", "itertools.starmap"}:
        return result
    return arguments.get(1) or UNKNOWN


def _called_in_turn(frame: Frame, arguments: Arguments, node: ast.AST) -> Value | None:
    """Let a function be called for each of some known items; None where they are not known."""
    rows = listed(side_by_side(frame, arguments.positional[1:]))
    called = arguments.get(0)
    if not rows or called is None or arguments.starred:
        return None
    results = [
        call(frame, frame.engine.resolve(called), Arguments(row.items), node)
        for row in rows
        if isinstance(row, Items)
    ]
    return Items(tuple(results))


@function(
    "builtins.sorted",
    "builtins.min",
    "builtins.max",
    "itertools.groupby",
    "heapq.nlargest",
    "heapq.nsmallest",
)
def by_key(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What calls a function for the key of each item."""
    key = arguments.get(None, "key")
    if key is not None:
        call_for_each(frame, key, Arguments(arguments.positional[:1]), node)
    items = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    if isinstance(items, Items | Many):
        return Many(items.items) if value.name == "builtins.sorted" else choice_of(items.items)
    return UNKNOWN


@function(
    "builtins.list",
    "builtins.tuple",
    "builtins.set",
    "builtins.frozenset",
    "builtins.reversed",
    "builtins.iter",
    "collections.deque",
)
def copied(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Collections with the same items; with a second argument, what the first gives again."""
    if value.name == "builtins.iter" and arguments.get(1) is not None:
        return call_for_each(frame, arguments.get(0), Arguments(), node)
    items = frame.engine.resolve(arguments.get(0) or Items(()))
    if isinstance(items, Table):
        items = keys_of(items)
    if isinstance(items, Items) and items.items and "set" in value.name:
        return Many(items.items)
    if isinstance(items, Items):
        return items if value.name != "builtins.reversed" else Items(items.items[::-1])
    element = element_of(frame, items)
    return Many((element,)) if element is not UNKNOWN else UNKNOWN


@function("builtins.enumerate")
def numbered(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """The items with their numbers."""
    return side_by_side(frame, (UNKNOWN, arguments.get(0) or UNKNOWN))


@function("builtins.zip")
def zipped(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """The items of several collections, side by side."""
    return UNKNOWN if arguments.starred else side_by_side(frame, arguments.positional)


def side_by_side(frame: Frame, given: Sequence[Value]) -> Value:
    """Return tuples with an item of each of `given`."""
    columns = [frame.engine.resolve(one) for one in given]
    lists = [column.items for column in columns if isinstance(column, Items)]
    elements = [one if isinstance(one, Items) else element_of(frame, one) for one in columns]
    if not lists:
        return UNKNOWN if set(elements) == {UNKNOWN} else Many((Items(tuple(elements)),))
    rows = [
        tuple([one.items[number] if isinstance(one, Items) else one for one in elements])
        for number in range(min(map(len, lists)))
    ]
    return Items(tuple(map(Items, rows)))


@function("itertools.chain")
def chained(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """One collection behind the other."""
    parts = [frame.engine.resolve(one) for one in arguments.positional]
    if all(isinstance(part, Items) for part in parts) and not arguments.starred:
        return Items(tuple([item for part in parts for item in getattr(part, "items", ())]))
    elements = [element_of(frame, part) for part in parts]
    return Many(tuple(elements)) if set(elements) != {UNKNOWN} else UNKNOWN


@function("builtins.next", "builtins.anext")
def next_item(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """One of the items."""
    return element_of(frame, frame.engine.resolve(arguments.get(0) or UNKNOWN))


@function("typing.cast", "typing_extensions.cast")
def cast(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``cast(C, x)``: an instance of what is named, if nothing more is known of it."""
    given = frame.engine.resolve(arguments.get(1, "val") or UNKNOWN)
    annotation = node.args[0] if isinstance(node, ast.Call) and node.args else None
    return narrowed_to(frame, given, frame.engine.annotated(annotation, frame.scope))


@function("builtins.super")
def super_(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``super()`` in a method, and ``super(Class, self)``."""
    given = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    if isinstance(given, ClassValue):
        return SuperValue(given.cls, frame.engine.resolve(arguments.get(1) or given))
    scope: Scope | None = frame.scope
    while scope is not None and not (isinstance(scope, Function) and scope.owner is not None):
        scope = scope.parent
    if not isinstance(scope, Function) or scope.owner is None or not scope.node.args.args:
        return UNKNOWN
    receiver = frame.engine.resolve(frame.name(scope.node.args.args[0].arg))
    return SuperValue(scope.owner, receiver)


@function("builtins.classmethod", "builtins.staticmethod")
def unbound(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``staticmethod(f)`` in a class."""
    return arguments.get(0) or UNKNOWN


@function("builtins.type")
def type_of(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """The class of an instance."""
    match frame.engine.resolve(arguments.get(0) or UNKNOWN):
        case Instance(cls=cls):
            return ClassValue(cls)
    return Dynamic(Hub("name", "__init__"))


@function("inspect.getmembers")
def members(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """Pairs of names and attributes."""
    owner = frame.engine.resolve(arguments.get(0, "object") or UNKNOWN)
    return Many((Items((UNKNOWN, Dynamic(attributes_of(owner, "*")))),))


@function("sys.modules.get", "sys.modules.pop")
def module_by_name(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """A module by its name."""
    return import_module(frame, arguments, node, value)


@method(ClassValue, "__subclasses__")
def subclasses(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``cls.__subclasses__()``: any of those that the source shows."""
    engine, own = frame.engine, value.owner.cls
    found = [cls for cls in list(engine.mros) if cls is not own and engine.is_subclass(cls, own)]
    return Many(tuple([Possibly(ClassValue(cls)) for cls in found]))


@function("builtins.getattr")
def get_attribute(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """An attribute by its name, which may be known, in part known, or unknown."""
    owner = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    name = frame.engine.resolve(arguments.get(1) or UNKNOWN)
    if isinstance(name, Text) and name.constant is not None:
        found = attribute(frame, owner, name.constant, node)
        default = arguments.get(2)
        return choice_of([found, default]) if default is not None else found
    pattern = name.pattern if isinstance(name, Text) else "*"
    return Dynamic(attributes_of(owner, pattern))


@function("builtins.setattr")
def set_attribute(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """A function that is stored under an attribute."""
    stored = arguments.get(2)
    if stored is not None:
        give(frame, stored, node, "attached")
    return UNKNOWN


@function("builtins.globals", "builtins.vars", "builtins.locals")
def names_of(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """The functions of a module, or of whatever is given, by name."""
    owner = arguments.get(0)
    if owner is not None:
        return Dynamic(attributes_of(frame.engine.resolve(owner), "*"))
    return Dynamic(Hub("module", f"{frame.scope.module.path}:*"))


@method(Dynamic, "get", "values", "items", "pop", "setdefault")
def of_dynamic(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What is looked up among the names of a module."""
    key = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    return Dynamic(fitting(value.owner.hub, key))


@function("builtins.exec", "builtins.eval", "runpy.run_module", "runpy.run_path")
def executed(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """Code that is made at run time."""
    frame.maybe(ALL, node)
    return UNKNOWN


@function("importlib.import_module", "builtins.__import__")
def import_module(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """A module by its name."""
    name = arguments.get(0)
    if isinstance(name, Text) and name.constant and not name.constant.startswith("."):
        return imported(frame.engine, name.constant, frame.scope.module)
    return Dynamic(ALL)


@function(
    "importlib.metadata.entry_points",
    "importlib_metadata.entry_points",
    "pkg_resources.iter_entry_points",
)
def entry_points(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What the metadata of packages names."""
    return Many((External("importlib.metadata.EntryPoint()"),))


@method(Many, "select", "get")
def select(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``entry_points().select(group=...)``."""
    owner: Value = value.owner
    return owner


@function("importlib.metadata.EntryPoint().load")
def load_entry_point(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Any function, for all that the source says."""
    return Dynamic(ALL)


@function("django.utils.module_loading.import_string", "pkgutil.resolve_name")
def import_string(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """A function by its dotted name."""
    name = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    if not isinstance(name, Text) or name.constant is None:
        return Dynamic(ALL)
    module, _, last = name.constant.replace(":", ".").rpartition(".")
    found = imported(frame.engine, module, frame.scope.module)
    if isinstance(found, ModuleValue):
        return member(frame.engine, found, last)
    return External(name.constant)


@function(
    "builtins.exit",
    "builtins.quit",
    "sys.exit",
    "os._exit",
    "os.abort",
    "flask.abort",
    "werkzeug.exceptions.abort",
    "pytest.fail",
    "pytest.skip",
)
def leave(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What never returns."""
    call_library(frame, value, arguments, node)
    frame.emit(Leave("raise"))
    return UNKNOWN


@method(Text, "format", "format_map")
def format_text(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``"...{}...".format(...)``."""
    return filled(value.owner)


@method(Text, "join")
def join_text(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``", ".join(...)``, of which nothing is known."""
    return joined([UNKNOWN])


@method(Text, "rstrip", "lstrip", "strip", "removesuffix", "removeprefix", "lower", "upper")
def changed_text(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """A string that is nearly the same."""
    text: Text = value.owner
    if value.name == "upper" and text.constant is not None:
        return Text((text.constant.upper(),))
    return text if text.constant is not None and value.name == "lower" else UNKNOWN
