"""headrace's chains: a chain is a definition, a run of it runs its steps."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._library_values import (
    NO_CALLBACKS,
    Callbacks,
    ChainStep,
    ChainValue,
    Driven,
    FlowValue,
)
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    Arguments,
    Choice,
    ClassValue,
    Coroutine,
    Dynamic,
    External,
    FunctionValue,
    Instance,
    Items,
    Method,
    PartialValue,
    Possibly,
    StepValue,
    TaskValue,
    Text,
    Value,
)
from headrace_inspect._running._frame import Frame
from headrace_inspect._running._giving import ANY_ARGUMENTS
from headrace_inspect._running._nodes import Hub, Node
from headrace_inspect._running._trees import (
    NOTHING_HAPPENS,
    Branch,
    Cross,
    Parallel,
    Run,
    Tree,
    Where,
    block_of,
)

from ._registry import function, method
from ._running_arguments import call_now, tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine


@function("headrace.Chain", "headrace.AsyncChain")
def chain(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``Chain("name", flow=...)``."""
    name = arguments.get(0, "name")
    flow = arguments.get(None, "flow")
    is_async = value.name == "headrace.AsyncChain"
    hooks = Callbacks(
        _given(arguments, "before_step"),
        _given(arguments, "on_retry"),
        _given(arguments, "after_step"),
    )
    declared = _flow(frame, flow if flow is not None else name)
    return ChainValue(node, declared, (), is_async, hooks)


def _given(arguments: Arguments, name: str) -> tuple[Value, ...]:
    value = arguments.get(None, name)
    return () if value is None else (value,)


def _flow(frame: Frame, value: Value | None) -> str | None:
    match frame.engine.resolve(value) if value is not None else None:
        case None:
            return ""
        case FlowValue(name=name):
            return name
        case Text() as text:
            return text.constant
        case given:
            return "" if given is NOTHING else None


@method(ChainValue, "next")
def next_(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``chain.next(f, out=..., name=..., undo=..., when=..., validate=...)``."""
    owner: ChainValue = value.owner
    called = frame.engine.resolve(arguments.get(0, "func") or UNKNOWN)
    step = ChainStep(
        called,
        _step_name(frame, owner, called, arguments),
        node,
        frame.scope.module.path,
        arguments.get(None, "undo"),
        arguments.get(None, "when") is not None,
        callbacks=Callbacks(
            _given(arguments, "when"),
            _given(arguments, "retry_on"),
            _given(arguments, "validate"),
            _given(arguments, "log"),
        ),
    )
    return _grown(frame, owner, step)


@method(ChainValue, "parallel")
def parallel(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``chain.parallel(branch, branch)``."""
    branches = [frame.engine.resolve(one) for one in arguments.positional]
    known = tuple([one for one in branches if isinstance(one, ChainValue)])
    step = ChainStep(UNKNOWN, None, node, frame.scope.module.path, branches=known)
    return _grown(frame, value.owner, step)


@method(ChainValue, "put", "graph", "check")
def unchanged(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What adds no step."""
    owner: Value = value.owner
    return owner


def _grown(frame: Frame, owner: ChainValue, step: ChainStep) -> ChainValue:
    grown = replace(owner, steps=(*owner.steps, step))
    if grown.flow != "":
        known = frame.engine.exposure.chains.get(owner.site)
        if known is None or len(known.steps) <= len(grown.steps):
            frame.engine.exposure.chains[owner.site] = grown
    if frame.is_recorded and step.branches is None:
        frame.note(Run(step_node(frame.engine, owner.flow, step), frame.where(step.node)))
    return grown


def _step_name(frame: Frame, owner: ChainValue, called: Value, arguments: Arguments) -> str | None:
    for option in ("name", "out"):
        given = arguments.get(None, option)
        if given is not None and frame.engine.resolve(given) is not NOTHING:
            text = frame.engine.resolve(given)
            wish = text.constant if isinstance(text, Text) else None
            break
    else:
        wish = own_name(called)
    if wish is None:
        return None
    taken, number, name = names_in(owner), 2, wish
    while name in taken:
        name, number = f"{wish}_{number}", number + 1
    return name


def names_in(chain: ChainValue) -> set[str]:
    """Return the names of the steps of `chain`, those of its branches included."""
    names: set[str] = set()
    for step in chain.steps:
        if step.branches is not None:
            for branch in step.branches:
                names |= names_in(branch)
        elif step.name is not None:
            names.add(step.name)
    return names


def own_name(value: Value) -> str | None:
    """Return the name of a callable, as a chain takes it."""
    match value:
        case (
            FunctionValue(function=function)
            | StepValue(function=function)
            | TaskValue(function=function)
        ):
            return function.name
        case PartialValue(inner=inner) | Possibly(inner=inner):
            return own_name(inner)
        case ClassValue(cls=cls) | Instance(cls=cls):
            return cls.node.name
        case External(name=name):
            return name.removesuffix("()").rpartition(".")[2]
        case Method(name=name) | Dynamic(hub=Hub(how="override", name=name)):
            return name
        case Choice(options=options):
            names = {own_name(option) for option in options}
            return names.pop() if len(names) == 1 else None
    return None


# --- running --------------------------------------------------------------------------------------


@method(ChainValue, "run")
def run(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``chain.run(...)``."""
    owner: ChainValue = value.owner
    tree = Run(chain_node(frame.engine, owner), frame.where(node))
    if owner.is_async:
        return Coroutine(tree, External("headrace.ChainResult()"))
    frame.emit(tree)
    return External("headrace.ChainResult()")


@function("headrace_fastapi.run_chain")
def run_chain(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``run_chain(chain, inputs)``: a dependency that runs the chain."""
    given = frame.engine.resolve(arguments.get(0, "chain") or UNKNOWN)
    return Driven(Method(given, "run")) if isinstance(given, ChainValue) else UNKNOWN


@function("headrace_celery.submit")
def submit(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``submit(chain, app)``: the chain on Celery, a task per step."""
    given = frame.engine.resolve(arguments.get(0, "chain") or UNKNOWN)
    if isinstance(given, ChainValue):
        body = Run(chain_node(frame.engine, given), frame.where(node))
        frame.emit(Cross("enqueue", body))
    return UNKNOWN


def chain_node(engine: Engine, chain: ChainValue) -> Node:
    """Return the node of a run of `chain`."""

    def look(node: Node) -> None:
        node.tree = _tree(engine, chain, chain.flow, NO_CALLBACKS, node)

    return engine.node(("chain", chain), look)


def _tree(
    engine: Engine, chain: ChainValue, flow: str | None, outer: Callbacks, node: Node
) -> Tree:
    hooks = Callbacks(
        chain.hooks.before or outer.before,
        chain.hooks.again or outer.again,
        chain.hooks.behind or outer.behind,
    )
    trees: list[Tree] = []
    undos: list[Tree] = []
    for step in chain.steps:
        if step.branches is not None:
            branches = [_tree(engine, one, flow, hooks, node) for one in step.branches]
            trees.append(Parallel(branches))
            continue
        trees += _around(engine, flow, step, hooks, node)
        if step.undo is not None:
            undos += _calls(engine, step, (step.undo,), node)
    if undos:
        trees.append(Branch((NOTHING_HAPPENS, *undos)))
    return block_of(trees)


def _around(
    engine: Engine, flow: str | None, step: ChainStep, hooks: Callbacks, node: Node
) -> list[Tree]:
    """Return what a step runs and what is called around it: its condition, hooks, validation."""
    own = step.callbacks
    run = Run(step_node(engine, flow, step), Where(step.path, _line(step.node)))
    trees = [*_calls(engine, step, hooks.before, node), run]
    if again := _calls(engine, step, (*own.again, *hooks.again), node):
        trees.append(Branch((NOTHING_HAPPENS, block_of([*again, run]))))
    trees += _calls(engine, step, (*own.behind, *hooks.behind, *own.last), node)
    if not step.is_optional:
        return trees
    asked = _calls(engine, step, own.before, node)
    return [*asked, Branch((NOTHING_HAPPENS, block_of(trees)))]


def _calls(engine: Engine, step: ChainStep, functions: tuple[Value, ...], node: Node) -> list[Tree]:
    """Return what calls of those of `functions` run that are not names, references or types."""
    frame = _frame(engine, step, node)
    trees: list[Tree] = []
    for one in functions:
        if not isinstance(engine.resolve(one), _NOT_CALLED) and one is not NOTHING:
            tree, _ = tree_of_call(frame, one, ANY_ARGUMENTS, step.node)
            trees.append(tree)
    return [tree for tree in trees if tree is not NOTHING_HAPPENS]


def step_node(engine: Engine, flow: str | None, step: ChainStep) -> Node:
    """Return the node of a step of a chain whose steps are declared in `flow`."""

    def look(node: Node) -> None:
        frame = _frame(engine, step, node)
        node.returns = call_now(frame, step.function, Arguments(starred=True), step.node)
        node.tree = frame.tree()

    node = engine.node(("chain step", flow, step), look)
    if flow and step.name is not None:
        node.steps = ((flow, step.name),)
    return node


def _frame(engine: Engine, step: ChainStep, node: Node) -> Frame:
    module = engine.program.module(step.path)
    if module is None:
        raise LookupError(step.path)
    return Frame(engine, module, node)


def _line(node: ast.AST) -> int:
    # Of a chained call, the line on which its own part begins: that of its last attribute.
    if isinstance(node, ast.Call):
        function = node.func
        return function.end_lineno or node.lineno
    return getattr(node, "lineno", 0)


# What stands where a function may stand: a name, a reference, a type of errors, several of them.
_NOT_CALLED = (Text, External, ClassValue, Items)
