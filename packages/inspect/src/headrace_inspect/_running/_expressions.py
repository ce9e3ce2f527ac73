"""What expressions stand for, and what their evaluation runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

from headrace_inspect._names._changing import GROWING
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    Arguments,
    Choice,
    ClassValue,
    Dynamic,
    External,
    FunctionValue,
    Instance,
    Items,
    Key,
    Many,
    Method,
    Possibly,
    StepValue,
    Table,
    Text,
    Value,
    choice_of,
    merged,
    one_list,
)

from ._attributes import attribute, fitting
from ._calls import call
from ._dispatch import evaluators
from ._frame import Frame
from ._giving import give, hand_on, put_into
from ._hooks import call_inherited, super_in
from ._libraries_known import is_standard
from ._narrowing import narrowed, widen
from ._protocols import binary, compare, implicit, test, unary
from ._specialising import bound
from ._texts import added, formatted, joined
from ._trees import Branch, Cross, Loop, Possible, Tree, Yielded, block_of


def _anything(frame: Frame, node: ast.AST) -> Value:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            frame.evaluate(child)
        elif not isinstance(child, ast.expr_context | ast.operator | ast.unaryop | ast.cmpop):
            _anything(frame, child)
    return UNKNOWN


def _constant(frame: Frame, node: ast.Constant) -> Value:
    if isinstance(node.value, str):
        return Text((node.value,)) if len(node.value) < _LONGEST_TEXT else UNKNOWN
    return NOTHING


def _name(frame: Frame, node: ast.Name) -> Value:
    return frame.name(node.id)


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    return attribute(frame, frame.resolved(node.value), node.attr, node)


def _call(frame: Frame, node: ast.Call) -> Value:
    function = frame.resolved(node.func)
    since = len(frame.events)
    arguments = arguments_of(frame, node)
    if isinstance(function, External) and function.name in _CONSUMING:
        frame.hurry(since)
    owner = super_in(node)
    if owner is not None and isinstance(function, External):
        call_inherited(frame, frame.resolved(owner), function.name.rpartition(".")[2], node)
    result = call(frame, function, arguments, node)
    _rebind(frame, node, function, arguments, result)
    return result


def arguments_of(frame: Frame, node: ast.Call) -> Arguments:
    """Return the arguments of a call; what their evaluation runs happens now."""
    positional: list[Value] = []
    named: list[tuple[str, Value]] = []
    starred = False
    for argument in node.args:
        if not isinstance(argument, ast.Starred):
            positional.append(frame.evaluate(argument))
            hand_on(frame, argument)
            continue
        value = frame.resolved(argument.value)
        if isinstance(value, Items):
            positional.extend(value.items)
        else:
            starred = True
            if isinstance(value, Many) or one_list(value) is not value:
                positional.append(value)
    for keyword in node.keywords:
        value = frame.evaluate(keyword.value)
        hand_on(frame, keyword.value)
        if keyword.arg is None:
            table = frame.engine.resolve(value)
            pairs = table.pairs() if isinstance(table, Table) else None
            named += [(str(key), item) for key, item in pairs or ()]
            starred = starred or pairs is None
        else:
            named.append((keyword.arg, value))
    return Arguments(tuple(positional), tuple(named), starred)


def _rebind(
    frame: Frame, node: ast.Call, function: Value, arguments: Arguments, result: Value
) -> None:
    """Keep what a call of a method has made of a variable: a list, a chain, a signature."""
    target = node.func.value if isinstance(node.func, ast.Attribute) else None
    while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute):
        target = target.func.value
    is_growing = isinstance(node.func, ast.Attribute) and node.func.attr in GROWING
    if is_growing and isinstance(function, Choice | Method | Possibly):
        is_own = isinstance(target, ast.Name) and target.id in frame.variables
        for argument in () if is_own else arguments.values():
            put_into(frame, argument, node, node)
    if isinstance(target, ast.Name) and isinstance(function, Method):
        changed = _changed(function.owner, function.name, result)
        if changed is not None:
            _replace(frame, frame.variables.get(target.id), changed)
            frame.variables[target.id] = changed
    if isinstance(function, FunctionValue | StepValue):
        _loosen(frame, function, arguments)


def _replace(frame: Frame, before: Value | None, changed: Value) -> None:
    """Let all variables with the list or table `before` have what it is now."""
    if isinstance(before, Items | Many | Table):
        for name, value in frame.variables.items():
            if value is before:
                frame.variables[name] = changed


def _loosen(frame: Frame, function: FunctionValue | StepValue, arguments: Arguments) -> None:
    """Let nothing be known of the order of what `function` is given, and changes."""
    called = function.function
    for name, value in bound(called, function.receiver, arguments).items():
        if name in called.module.changes.grown and isinstance(value, Items | Table):
            is_table = isinstance(value, Table)
            changed = Table((*value.items, UNKNOWN)) if is_table else Many((*value.items, UNKNOWN))
            _replace(frame, value, changed)


def _changed(owner: Value, name: str, result: Value) -> Value | None:
    from headrace_inspect._libraries._changes import changed_by

    return changed_by(owner, name, result)


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None:
            give(frame, frame.evaluate(default), node)
    return closure(frame, node)


def closure(
    frame: Frame, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef
) -> FunctionValue:
    """Return the function that `node` makes, with the variables that it takes along."""
    function = frame.scope.module.function(node, frame.scope)
    taken = []
    for name in sorted(function.free_names):
        value = frame.variables.get(name) or frame.closure.get(name)
        if value is not None and value is not UNKNOWN:
            taken.append((name, value))
    return FunctionValue(function, None, tuple(taken))


def _await(frame: Frame, node: ast.Await) -> Value:
    value = frame.resolved(node.value)
    if isinstance(value, Instance):
        value = implicit(frame, value, node, "__await__")
    return frame.consume(value)


def _conditional(frame: Frame, node: ast.IfExp) -> Value:
    test(frame, node.test)
    told = narrowed(frame, node.test, holds=True)
    with frame.captured() as first:
        one = frame.evaluate(node.body)
    widen(frame, told)
    with frame.captured() as second:
        other = frame.evaluate(node.orelse)
    if first or second:
        frame.emit(Branch((block_of(first), block_of(second))))
    return choice_of([one, other])


def _boolean(frame: Frame, node: ast.BoolOp) -> Value:
    values = [frame.resolved(node.values[0])]
    told = []
    for before, operand in pairwise(node.values):
        implicit(frame, values[-1], operand, "__bool__", "__len__")
        told.append(narrowed(frame, before, holds=isinstance(node.op, ast.And)))
        with frame.captured() as events:
            values.append(frame.resolved(operand))
        if events:
            frame.emit(Branch((block_of(()), block_of(events))))
    for names in reversed(told):
        widen(frame, names)
    return choice_of(values)


def _binary(frame: Frame, node: ast.BinOp) -> Value:
    # Long sums lean to the left: taken apart here, not by recursion.
    waiting = [node]
    while isinstance(waiting[-1].left, ast.BinOp):
        waiting.append(waiting[-1].left)
    value = frame.resolved(waiting[-1].left)
    for one in reversed(waiting):
        value = frame.engine.resolve(_operated(frame, value, frame.resolved(one.right), one))
    return value


def _operated(frame: Frame, left: Value, right: Value, node: ast.BinOp) -> Value:
    result = binary(frame, left, right, node)
    if result is not UNKNOWN:
        return result
    if isinstance(node.op, ast.Add):
        return added(left, right)
    if isinstance(node.op, ast.Mod) and isinstance(left, Text):
        return formatted(left)
    if isinstance(node.op, ast.BitOr):
        from headrace_inspect._libraries._celery_canvas import piped

        if isinstance(left, Table) and isinstance(right, Table):
            return merged(left, right)
        return piped(left, right)
    items = [item for one in (left, right) if isinstance(one, Items | Many) for item in one.items]
    return Many(tuple(items)) if items else UNKNOWN


def _sequence(frame: Frame, node: ast.List | ast.Tuple | ast.Set) -> Value:
    items: list[Value] = []
    is_known = True
    for element in node.elts:
        if isinstance(element, ast.Starred):
            value = frame.resolved(element.value)
            items.extend(value.items if isinstance(value, Items | Many) else ())
            is_known = is_known and isinstance(value, Items)
        else:
            items.append(frame.evaluate(element))
    if len(items) > _MOST_ITEMS:
        for item in items:
            give(frame, item, node)
        return UNKNOWN
    is_known = is_known and not isinstance(node, ast.Set)
    return Items(tuple(items)) if is_known else Many(tuple(items))


def _dictionary(frame: Frame, node: ast.Dict) -> Value:
    table = Table(())
    for key, expression in zip(node.keys, node.values, strict=True):
        named = frame.evaluate(key) if key is not None else UNKNOWN
        value = frame.evaluate(expression)
        for one in (named, value):
            give(frame, one, node)
        if key is None:
            table = merged(table, frame.engine.resolve(value))
        elif len(table.items) < _MOST_ITEMS:
            table = table.put(constant_in(key, named), value)
    return table if len(table.items) < _MOST_ITEMS else UNKNOWN


def constant_in(node: ast.expr, value: Value) -> Key | None:
    """Return the string or number that `node`, which stands for `value`, is known to be."""
    if isinstance(value, Text):
        return value.constant
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            return -number
        case ast.Constant(value=int(number)):
            return number
    return None


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    value = frame.resolved(node.value)
    if isinstance(value, External) and value.name in _ANNOTATED:
        return _annotated(frame, node)
    key = frame.evaluate(node.slice)
    if value == _MODULES:
        return call(frame, External("sys.modules.get"), Arguments((key,)), node)
    if isinstance(value, Instance | Choice | Possibly):
        result = implicit(frame, value, node, "__getitem__")
        if result is not UNKNOWN:
            return result
    if isinstance(value, Items | Many) and isinstance(node.slice, ast.Slice):
        return _sliced(value, node.slice)
    found = item_at(value, constant_in(node.slice, key))
    if found is not None:
        return found
    if isinstance(value, Items | Many | Table):
        return Possibly(choice_of(value.items)) if value.items else UNKNOWN
    return _looked_up(frame, value, key, node)


def _looked_up(frame: Frame, value: Value, key: Value, node: ast.Subscript) -> Value:
    """Return what something gives that is no list, table or instance."""
    if isinstance(value, External) and not is_standard(value.name):
        is_container = value.name.rpartition(".")[2].islower()
        return External(f"{value.name}[]") if is_container else value
    if isinstance(value, Dynamic):
        return Dynamic(fitting(value.hub, frame.engine.resolve(key)))
    if isinstance(value, ClassValue) and frame.engine.has_method(value.cls, "__class_getitem__"):
        method = attribute(frame, value, "__class_getitem__", node)
        return call(frame, method, Arguments((key,)), node)
    # Generic[...] is the class itself; what is in something external is external too.
    return value if isinstance(value, ClassValue | External) else UNKNOWN


def item_at(value: Value, key: Key | None) -> Value | None:
    """Return what stands in `value` at a position or under a key, or None if that is not known."""
    if isinstance(value, Table):
        return value.at(key)
    if isinstance(value, Items) and isinstance(key, int):
        return value.items[key] if -len(value.items) <= key < len(value.items) else None
    return None


def _sliced(value: Items | Many, node: ast.Slice) -> Value:
    """Return a part of a list, if it is told by numbers; else any number of its items."""
    numbers: list[int | None] = []
    for part in (node.lower, node.upper, node.step):
        number = None if part is None else constant_in(part, UNKNOWN)
        if isinstance(value, Many) or (part is not None and not isinstance(number, int)):
            return Many(value.items)
        numbers.append(number if isinstance(number, int) else None)
    return Items(value.items[slice(*numbers)]) if numbers[2] != 0 else UNKNOWN


def _annotated(frame: Frame, node: ast.Subscript) -> Value:
    from headrace_inspect._names._library_values import AnnotatedValue

    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    metadata = tuple([frame.resolved(part) for part in parts[1:]])
    return AnnotatedValue(frame.engine.annotated(parts[0], frame.scope), metadata)


def _comprehension(
    frame: Frame, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
) -> Value:
    from ._iterating import assign, bind_element, element_of, listed

    outer = frame.branch()
    first, *others = node.generators
    since = len(frame.events)
    iterated = frame.resolved(first.iter)
    frame.hurry(since)
    made = frame.generator(since)
    items = listed(iterated)
    is_plain = not others and not first.ifs and not first.is_async
    if items and is_plain and not isinstance(node, ast.DictComp):
        return _in_turn(frame, node, items)
    assign(frame, first.target, element_of(frame, iterated))  # once, before the loop
    with frame.captured() as events:
        for condition in first.ifs:
            frame.evaluate(condition)
        for generator in others:
            bind_element(frame, generator.target, generator.iter)
            for condition in generator.ifs:
                frame.evaluate(condition)
        if isinstance(node, ast.DictComp):
            frame.evaluate(node.key)
            element = frame.evaluate(node.value)
        else:
            element = frame.evaluate(node.elt)
    frame.variables = outer
    if events:
        frame.emit(_when_iterated(node, Loop(block_of(events))))
        if made is not None:
            frame.emit(Possible(made))  # up to the next item
    return UNKNOWN if element is UNKNOWN else Many((element,))


def _in_turn(
    frame: Frame, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, items: Sequence[Value]
) -> Value:
    """Evaluate a comprehension over known items, one after the other."""
    from ._iterating import assign

    outer = frame.branch()
    results: list[Value] = []
    with frame.captured() as events:
        for item in items:
            assign(frame, node.generators[0].target, item)
            results.append(frame.evaluate(node.elt))
    frame.variables = outer
    if events:
        frame.emit(_when_iterated(node, block_of(events)))
    return Items(tuple(results))


def _when_iterated(node: ast.expr, tree: Tree) -> Tree:
    """Return `tree`, which in a generator expression runs when that is iterated over."""
    return Cross("call", tree, is_lazy=True) if isinstance(node, ast.GeneratorExp) else tree


def _text(frame: Frame, node: ast.JoinedStr) -> Value:
    return joined([frame.evaluate(value) for value in node.values])


def _text_part(frame: Frame, node: ast.FormattedValue) -> Value:
    value = frame.resolved(node.value)
    implicit(frame, value, node, "__format__", "__str__", "__repr__")
    if node.format_spec is not None:
        frame.evaluate(node.format_spec)
    return value


def _walrus(frame: Frame, node: ast.NamedExpr) -> Value:
    value = frame.evaluate(node.value)
    frame.variables[node.target.id] = value
    return value


def _yield(frame: Frame, node: ast.Yield) -> Value:
    value = frame.evaluate(node.value) if node.value is not None else NOTHING
    frame.yielded.append(value)
    frame.emit(Yielded())
    return UNKNOWN


def _yield_from(frame: Frame, node: ast.YieldFrom) -> Value:
    since = len(frame.events)
    frame.consume(frame.evaluate(node.value))
    frame.hurry(since)
    frame.emit(Yielded())
    return UNKNOWN


def _starred(frame: Frame, node: ast.Starred) -> Value:
    return frame.evaluate(node.value)


def _expressions_of(kind: type[ast.AST]) -> Iterator[type[ast.AST]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _expressions_of(inner)


_ANNOTATED = frozenset(["typing.Annotated", "typing_extensions.Annotated"])
# What iterates over its argument to the end.
_CONSUMING = frozenset([
    "builtins.all",
    "builtins.any",
    "builtins.dict",
    "builtins.frozenset",
    "builtins.list",
    "builtins.max",
    "builtins.min",
    "builtins.set",
    "builtins.sorted",
    "builtins.sum",
    "builtins.tuple",
    "collections.deque",
])
_LONGEST_TEXT = 300
_MOST_ITEMS = 100
_MODULES = External("sys.modules")
evaluators.update({
    # Of the rest the parts are evaluated.
    **dict.fromkeys(_expressions_of(ast.expr), _anything),
    ast.Attribute: _attribute,
    ast.Await: _await,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Call: _call,
    ast.Compare: compare,
    ast.Constant: _constant,
    ast.Dict: _dictionary,
    ast.DictComp: _comprehension,
    ast.FormattedValue: _text_part,
    ast.GeneratorExp: _comprehension,
    ast.IfExp: _conditional,
    ast.JoinedStr: _text,
    ast.Lambda: _lambda,
    ast.List: _sequence,
    ast.ListComp: _comprehension,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Set: _sequence,
    ast.SetComp: _comprehension,
    ast.Starred: _starred,
    ast.Subscript: _subscript,
    ast.Tuple: _sequence,
    ast.UnaryOp: unary,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
})
