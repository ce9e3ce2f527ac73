"""What a call runs, and what it gives."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._entities import Class
from headrace_inspect._names._library_values import Declarator, Driven, Signature
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Choice,
    ClassValue,
    ContextValue,
    Coroutine,
    Dynamic,
    EnteredLater,
    EnteringValue,
    External,
    FunctionValue,
    Instance,
    Items,
    Many,
    Method,
    PartialValue,
    Possibly,
    Result,
    StepValue,
    Table,
    TaskValue,
    Value,
    choice_of,
)

from ._attributes import attribute, perhaps
from ._fields import made
from ._giving import calls_of, classes_in, give, leave_what_describes, pass_on, pass_to_library
from ._hooks import call_inherited
from ._libraries_known import is_inert, is_standard, is_transparent
from ._losing import find_lost
from ._nodes import NO_ARGUMENTS, Hub, Node
from ._trees import NOTHING_HAPPENS, Branch, Cross, Possible, Run, block_of

if TYPE_CHECKING:
    from ._engine import Engine
    from ._frame import Frame


def call(frame: Frame, function: Value, arguments: Arguments, node: ast.AST) -> Value:
    """Let `function` be called with `arguments`, and return what that gives.

    Args:
        frame: where the call stands.
        function: what is called.
        arguments: with what.
        node: the call, for its place.
    """
    handler = _HANDLERS.get(type(function), _unknown)
    return handler(frame, function, arguments, node)


def _function(frame: Frame, value: FunctionValue, arguments: Arguments, node: ast.AST) -> Value:
    callee = frame.engine.body(value, arguments)
    return _run(frame, callee, arguments, node, is_async=value.function.is_async)


def _step(frame: Frame, value: StepValue, arguments: Arguments, node: ast.AST) -> Value:
    callee = frame.engine.step(value, arguments)
    return _run(frame, callee, arguments, node, is_async=value.function.is_async)


def _run(
    frame: Frame, callee: Node, arguments: Arguments, node: ast.AST, *, is_async: bool
) -> Value:
    for value in arguments.values():
        if not callee.takes(value):
            _leave_behind(frame, value, node)
    run = Run(callee, frame.where(node))
    if is_async:
        return Coroutine(run, Result(callee))
    # The body of a generator runs when it is iterated over, unless that is here and now.
    is_lazy = callee.function is not None and callee.function.is_generator
    frame.emit(Cross("call", run, is_lazy=True) if is_lazy else run)
    return Result(callee)


def _leave_behind(frame: Frame, value: Value, node: ast.AST) -> None:
    """Give `value` to a function that is looked at without regard to it."""
    resolved = frame.engine.resolve(value) if isinstance(value, Result) else value
    if isinstance(resolved, Coroutine):
        frame.consume(resolved)
    else:
        for tree in calls_of(frame, resolved, node) if frame.is_recorded else ():
            frame.emit(Possible(tree))
            frame.escape(tree, "stored")


def _task(frame: Frame, value: TaskValue, arguments: Arguments, node: ast.AST) -> Value:
    return call(frame, value.inner, arguments, node)


def _context(frame: Frame, value: ContextValue, arguments: Arguments, node: ast.AST) -> Value:
    match value.inner:
        case FunctionValue() as inner:
            made = frame.engine.body(inner, arguments)
        case StepValue() as inner:
            made = frame.engine.step(inner, arguments)
        case inner:
            return call(frame, inner, arguments, node)
    # Whoever has it may enter it, in ways that are not seen; see `Frame.enters`.
    frame.emit(Possible(Run(made, frame.where(node))))
    return EnteredLater(made)


def _partial(frame: Frame, value: PartialValue, arguments: Arguments, node: ast.AST) -> Value:
    bound = value.arguments
    merged = Arguments(
        (*bound.positional, *arguments.positional),
        (*bound.named, *arguments.named),
        bound.starred or arguments.starred,
    )
    return call(frame, value.inner, merged, node)


def _decorator(frame: Frame, value: Value, arguments: Arguments, node: ast.AST) -> Value:
    """Return what a context manager makes of the function that it decorates."""
    target = arguments.get(0)
    if target is None:
        return _unknown(frame, value, arguments, node)
    return EnteringValue(frame.engine.resolve(target), Arguments(), value)


def _entering(frame: Frame, value: EnteringValue, arguments: Arguments, node: ast.AST) -> Value:
    from ._entering import enter

    results: list[Value] = []
    item = ast.withitem(ast.copy_location(ast.Constant(None), node))
    with frame.captured() as events:
        enter(
            frame,
            value.manager,
            item,
            lambda: results.append(call(frame, value.inner, arguments, node)),
        )
    result = results[0]
    if not isinstance(result, Coroutine):
        frame.events.extend(events)
        return result
    with frame.captured() as events:
        enter(frame, value.manager, item, lambda: results.append(frame.consume(result)))
    return Coroutine(block_of(events), result.result)


def _class(frame: Frame, value: ClassValue, arguments: Arguments, node: ast.AST) -> Value:
    instance = made(frame.engine, value.cls, arguments)
    is_given = True
    if frame.engine.is_changed(value.cls):
        frame.maybe(ATTACHED, node)
    _make_fields(frame, value.cls, arguments, node)
    for base in frame.engine.mro(value.cls):
        if isinstance(base, Class) and not base.bindings.names.keys().isdisjoint(MAKING):
            for name in MAKING:
                if name in base.bindings.names:
                    method = attribute(frame, instance, name, node)
                    call(frame, method, arguments, node)
            is_given = False
            break
    if is_given:  # the fields of a dataclass, or the business of a base that is not seen
        for argument in arguments.values():
            give(frame, argument, node, "attached")
        call_inherited(frame, instance, "__init__", node)
    return instance


def _make_fields(frame: Frame, cls: Class, arguments: Arguments, node: ast.AST) -> None:
    """Let the functions run that make the values of fields that are not given."""
    bases = [one for one in frame.engine.mro(cls) if isinstance(one, Class)]
    given = {name for name, _ in arguments.named}
    if not any(base.factories for base in bases) or frame.engine.has_method(cls, "__init__"):
        return
    for base in reversed(bases):
        for name, factory in base.factories.items():
            if name in given:
                continue
            made = frame.engine.evaluate(factory, base)
            if arguments.positional or arguments.starred:
                perhaps(frame, frame.engine.resolve(made), NO_ARGUMENTS, node)
            else:
                call(frame, frame.engine.resolve(made), NO_ARGUMENTS, node)


def _instance(frame: Frame, value: Instance, arguments: Arguments, node: ast.AST) -> Value:
    engine = frame.engine
    if not engine.has_method(value.cls, "__call__") and not _DECORATORS.isdisjoint(
        engine.mro(value.cls)
    ):
        return _decorator(frame, value, arguments, node)
    method = attribute(frame, value, "__call__", node)
    return call(frame, method, arguments, node)


def _choice(frame: Frame, value: Choice, arguments: Arguments, node: ast.AST) -> Value:
    options = []
    results = []
    for option in value.options:
        with frame.captured() as events:
            results.append(call(frame, frame.engine.resolve(option), arguments, node))
        options.append(block_of(events))
    if any(option is not NOTHING_HAPPENS for option in options):
        frame.emit(Branch(options))
    return _awaitable(results) or choice_of(results)


def _awaitable(results: list[Value]) -> Value | None:
    """Return what awaits whichever it is of `results`; None if there is nothing to await."""
    if not any(isinstance(result, Coroutine) for result in results):
        return None
    trees = [one.tree if isinstance(one, Coroutine) else NOTHING_HAPPENS for one in results]
    given = [one.result if isinstance(one, Coroutine) else one for one in results]
    return Coroutine(Branch(trees), choice_of(given))


def _possibly(frame: Frame, value: Possibly, arguments: Arguments, node: ast.AST) -> Value:
    with frame.captured() as events:
        result = frame.consume(call(frame, frame.engine.resolve(value.inner), arguments, node))
    frame.emit(Possible(block_of(events)))
    frame.maybe(ESCAPED, node)
    return UNKNOWN if result is UNKNOWN else Possibly(result)


def _dynamic(frame: Frame, value: Dynamic, arguments: Arguments, node: ast.AST) -> Value:
    frame.maybe(value.hub, node)
    _pass_on_all(frame, arguments, node)
    return UNKNOWN


def _driven(frame: Frame, value: Driven, arguments: Arguments, node: ast.AST) -> Value:
    return frame.consume(call(frame, frame.engine.resolve(value.inner), arguments, node))


def _signature(frame: Frame, value: Signature, arguments: Arguments, node: ast.AST) -> Value:
    from headrace_inspect._libraries._celery_canvas import call_signature

    return call_signature(frame, value, arguments, node)


def _declare(frame: Frame, value: Declarator, arguments: Arguments, node: ast.AST) -> Value:
    from ._decorating import apply

    target = arguments.get(0)
    return apply(frame, value, target, node) if target is not None else UNKNOWN


def _external(frame: Frame, value: External, arguments: Arguments, node: ast.AST) -> Value:
    from headrace_inspect._libraries import model_of

    model = model_of(value.name)
    if model is not None:
        return model(frame, arguments, node, value)
    return call_library(frame, value, arguments, node)


def call_library(frame: Frame, value: External, arguments: Arguments, node: ast.AST) -> Value:
    """Let something of a library be called of which nothing more is known."""
    name = value.name
    first = arguments.get(0)
    is_object = name.endswith("()") and name.rpartition(".")[2][:1].isupper()
    is_decorator = is_transparent(name) and not is_standard(name) and not is_object
    if is_decorator and isinstance(first, FunctionValue | StepValue):  # called by hand
        leave_what_describes(frame, name, first, node)
        return first
    for argument in arguments.values() if name not in _ASKING else ():
        _use(frame, name, frame.consume(argument), node)
        pass_to_library(frame, name, argument, node)
    if not is_inert(name):
        frame.maybe(LIBRARY, node)
        if "()" in name:
            maybe_named(frame, name.rpartition(".")[2], node)
    elif _is_put_there(frame, name):
        maybe_named(frame, name.rpartition(".")[2], node)
        frame.maybe(ATTACHED, node)
    find_lost(frame, name, node)
    if _gives_back(frame, name, arguments, node):
        return UNKNOWN
    made = External(f"{name}()")
    return choice_of([made, UNKNOWN]) if _holds(frame, arguments, node) else made


def _is_put_there(frame: Frame, name: str) -> bool:
    """Tell whether what a library has under `name` may be something that the source put there."""
    _, *parts = name.split(".")
    return any("[]" in part or frame.engine.is_patched(part) for part in parts)


def _gives_back(frame: Frame, name: str, arguments: Arguments, node: ast.AST) -> bool:
    """Tell whether a function of a library may return one of its arguments, or something in it."""
    if name in _GIVING_BACK:
        return True
    if not is_standard(name) or not name.rpartition(".")[2].islower():
        return False
    given = [frame.engine.resolve(argument) for argument in arguments.values()]
    return any(classes_in(one) or calls_of(frame, one, node) for one in given)


def _holds(frame: Frame, arguments: Arguments, node: ast.AST) -> bool:
    """Tell whether what a library makes of `arguments` may give something of ours for a key."""
    given = [frame.engine.resolve(argument) for argument in arguments.values()]
    lists = [one for one in given if isinstance(one, Items | Many | Table)]
    return any(classes_in(one) or calls_of(frame, one, node) for one in lists)


def _use(frame: Frame, name: str, value: Value, node: ast.AST) -> None:
    """Let a library use `value`, as far as it is known how: by ``len()``, by iteration."""
    from ._iterating import element_of
    from ._protocols import OF_BUILTINS, implicit

    if name.startswith("builtins.") and isinstance(value, Instance | Choice | Possibly):
        methods = OF_BUILTINS.get(name.removeprefix("builtins."))
        if methods is not None:
            implicit(frame, value, node, *methods)
        elif name in _ITERATING:
            element_of(frame, value)


def _method(frame: Frame, value: Method, arguments: Arguments, node: ast.AST) -> Value:
    from headrace_inspect._libraries import method_model_of

    model = method_model_of(frame.engine, value)
    if model is not None:
        return model(frame, arguments, node, value)
    return call_unknown_method(frame, value, arguments, node)


def call_unknown_method(frame: Frame, value: Method, arguments: Arguments, node: ast.AST) -> Value:
    """Let a method be called of which nothing is known but its name."""
    if isinstance(value.owner, Dynamic):  # of a module, perhaps, that is imported by its name
        frame.maybe(value.owner.hub, node)
    call_inherited(frame, value.owner, value.name, node)
    maybe_named(frame, value.name, node)
    frame.maybe(ATTACHED, node)
    _pass_on_all(frame, arguments, node)
    return UNKNOWN


def _unknown(frame: Frame, value: Value, arguments: Arguments, node: ast.AST) -> Value:
    frame.maybe(ESCAPED, node)
    _pass_on_all(frame, arguments, node)
    return UNKNOWN


def maybe_named(frame: Frame, name: str, node: ast.AST) -> None:
    """Let one of the functions of this name run now, possibly."""
    if name in frame.engine.relevant or name in _attributes_of_classes(frame.engine):
        frame.maybe(Hub("name", name), node)


def _attributes_of_classes(engine: Engine) -> set[str]:
    exposure = engine.exposure
    for cls in islice(engine.mros, exposure.read, None):
        exposure.attributes.update(
            name
            for name, bindings in cls.bindings.names.items()
            if any(binding.how == "value" for binding in bindings)
        )
    exposure.read = len(engine.mros)
    return exposure.attributes


def _pass_on_all(frame: Frame, arguments: Arguments, node: ast.AST) -> None:
    for argument in arguments.values():
        frame.consume(argument)
        pass_on(frame, argument, node)


ESCAPED = Hub("escaped")
ATTACHED = Hub("attached")
LIBRARY = Hub("library")
# What looks at classes, and calls nothing.
_ASKING = frozenset([
    "builtins.isinstance",
    "builtins.issubclass",
    "typing.NewType",
    "typing.TypeVar",
    "typing.cast",
])
_ITERATING = frozenset([
    "builtins.all",
    "builtins.any",
    "builtins.dict",
    "builtins.enumerate",
    "builtins.sum",
    "builtins.zip",
])
_GIVING_BACK = frozenset([
    "collections.deque().pop",
    "collections.deque().popleft",
    "contextvars.ContextVar().get",
    "copy.copy",
    "copy.deepcopy",
    "dataclasses.replace",
    "heapq.heappop",
    "itertools.chain",
    "operator.itemgetter()",
    "pickle.load",
    "pickle.loads",
    "queue.Queue().get",
    "random.choice",
    "random.choices",
    "random.sample",
    "types.SimpleNamespace",
    "typing.cast",
    "typing_extensions.cast",
    "weakref.proxy",
    "weakref.ref",
])
_DECORATORS = frozenset(["contextlib.AsyncContextDecorator", "contextlib.ContextDecorator"])
MAKING = ("__new__", "__init__", "__post_init__")
_HANDLERS: dict[type, Callable[[Frame, Any, Arguments, ast.AST], Value]] = {
    Choice: _choice,
    ClassValue: _class,
    ContextValue: _context,
    Declarator: _declare,
    Driven: _driven,
    Dynamic: _dynamic,
    EnteredLater: _decorator,
    EnteringValue: _entering,
    External: _external,
    FunctionValue: _function,
    Instance: _instance,
    Method: _method,
    PartialValue: _partial,
    Possibly: _possibly,
    Signature: _signature,
    StepValue: _step,
    TaskValue: _task,
}
