"""headrace itself: steps, entrypoints, flows, tasks that are steps, chains.

What is declared goes into `Declared`, in ``engine.facts``; the declarations read it from there.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._expressions import await_
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Arguments,
    Bound,
    ClassValue,
    FunctionValue,
    Items,
    Named,
    Object,
    Value,
    Wrapper,
    constant,
    function_in,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Class, Function, Module

from ._tasks import Task, make_task


@dataclass(slots=True, eq=False)
class Flow(Value):
    """A flow, by its name."""

    name: str | None


@dataclass(slots=True, eq=False)
class Declarator(Value):
    """A decorator that makes a step of a function.

    Attributes:
        flow: the flow's name as a text; None in a class that has the flow.
        after: the steps before it.
        name: the step's name as a text; None for the function's own.
        task: the arguments that make it a task too, or None.
    """

    flow: Value | None
    is_entrypoint: bool
    after: Arguments = ()
    name: Value | None = None
    task: Named | None = None


@dataclass(slots=True, eq=False)
class Step(Wrapper):
    """A step around something else than the bare function that is declared."""

    function: Function | None


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A step of a chain, or branches side by side."""

    name: str | None
    callee: Value
    branches: Arguments
    when: Value | None
    behind: Arguments
    undo: Value | None
    module: Module
    node: ast.AST


@dataclass(eq=False, slots=True)
class ChainFacts:
    """A chain under construction, by where it is made."""

    flow: str | None
    module: Module
    line: int
    is_async: bool
    hooks: Arguments
    steps: list[ChainStep] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Chain(Value):
    """A chain."""

    facts: ChainFacts


@dataclass(slots=True)
class Declared:
    """What the source declares.

    Attributes:
        functions: the decorators of the functions.
        nodes: where these are written, and whether they are applied to a task.
        class_flows: the flows of classes.
        chains: the chains with names.
        opened: the flows that are begun by hand.
    """

    functions: dict[Function, list[Declarator]] = field(default_factory=dict)
    nodes: dict[Function, dict[ast.AST, bool]] = field(default_factory=dict)
    class_flows: dict[Class, list[str]] = field(default_factory=dict)
    chains: dict[tuple[object, str], ChainFacts] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)


def declared_in(engine: Engine) -> Declared:
    """Return what has been found to be declared."""
    found: Declared = engine.facts.setdefault(Declared, Declared())
    return found


def register(registry: Registry) -> None:
    """Register what this module knows."""
    function, method = registry.function, registry.method
    function(
        lambda call: Flow(text_of(call.get(0, "name"))),
        "headrace.flow headrace.get_flow headrace.Flow",
    )
    function(_by_name, "headrace.step headrace.entrypoint")
    function(_flow_task, "headrace_celery.flow_task")
    method(_of_flow, Flow, "step entrypoint")
    method(_flow_class, Flow, "__call__")
    method(_open, Flow, "open")
    method(_declare, Declarator, "__call__")
    method(_call_step, Step, "__call__")
    function(_chain, "headrace.Chain headrace.AsyncChain")
    method(_next, Chain, "next")
    method(_parallel, Chain, "parallel")
    method(lambda call: call.owner, Chain, "put")
    method(_run, Chain, "run")
    function(_chain_task, "headrace_celery.chain_task")
    function(_run_chain, "headrace_fastapi.run_chain")
    function(lambda call: call.get(0), "headrace_dbos.durable")


def _open(call: Call) -> Value:
    if call.owner.name is not None:
        declared_in(call.frame.engine).opened.add(call.owner.name)
    return Object("headrace.OpenedFlow")


# --- decorators -----------------------------------------------------------------------------------


def _by_name(call: Call) -> Value:
    is_entrypoint = call.name.endswith("entrypoint")
    given = call.get(0)
    if given is not None and function_in(given) is not None:
        return _apply(call, Declarator(None, is_entrypoint), given)
    return _declarator(call, given, is_entrypoint)


def _of_flow(call: Call) -> Value:
    name = None if call.owner.name is None else constant(call.owner.name)
    made = _declarator(call, name or UNKNOWN, call.name == "entrypoint")
    given = call.get(0)
    return made if given is None or function_in(given) is None else _apply(call, made, given)


def _flow_task(call: Call) -> Value:
    given = call.get(0)
    if given is not None and function_in(given) is not None:
        return make_task(call.frame, given, call.keywords)
    if given is None:
        return Declarator(None, is_entrypoint=False, name=UNKNOWN, task=call.keywords)
    is_entrypoint = call.get(None, "entrypoint") == constant(True)
    return _declarator(call, given, is_entrypoint, call.keywords, "step_name")


def _declarator(
    call: Call,
    flow: Value | None,
    is_entrypoint: bool,
    task: Named | None = None,
    name: str = "name",
) -> Declarator:
    after = call.get(None, "after")
    references: Arguments = () if after is None else (after,)
    if isinstance(after, Items):
        references = call.frame.engine.contents(after)
    return Declarator(flow, is_entrypoint, references, call.get(None, name), task)


def _declare(call: Call) -> Value:
    given = call.get(0)
    return UNKNOWN if given is None else _apply(call, call.owner, given)


def _apply(call: Call, declarator: Declarator, value: Value) -> Value:
    engine = call.frame.engine
    if declarator.task is not None and declarator.flow is None:
        return make_task(call.frame, value, declarator.task)
    function = call.frame.decorating or function_in(value)
    if function is None:
        return value
    nodes = declared_in(engine).nodes.setdefault(function, {})
    nodes[call.node] = isinstance(value, Task)
    known = declared_in(engine).functions.setdefault(function, [])
    if declarator not in known:
        known.append(declarator)
    made = value
    if function_in(value) is not function or not isinstance(value, FunctionValue | Wrapper):
        made = Step(value, function)
    if declarator.task is not None:
        return make_task(call.frame, made, declarator.task)
    return made


def _call_step(call: Call) -> Value:
    frame, step = call.frame, call.owner
    context = Context(step.function, step.function.module, _receiver(step.inner))
    inner = Frame(frame.engine, context, frame.module, {})
    key = (step, call.arguments, call.keywords)
    known = frame.engine.contexts.get(key)
    if known is None:
        frame.engine.contexts[key] = known = context
        made = inner.call(step.inner, call.node, call.arguments, call.keywords)
        context.result = await_(inner, made, call.node)
    frame.emit((known,), call.node)
    return known.result


def _receiver(value: Value) -> Value | None:
    while isinstance(value, Wrapper):
        value = value.inner
    return value.receiver if isinstance(value, FunctionValue) else None


def _flow_class(call: Call) -> Value:
    given = call.get(0)
    if isinstance(given, ClassValue) and call.owner.name is not None:
        flows = declared_in(call.frame.engine).class_flows.setdefault(given.cls, [])
        if call.owner.name not in flows:
            flows.append(call.owner.name)
    return UNKNOWN if given is None else given


# --- chains ---------------------------------------------------------------------------------------


def _chain(call: Call) -> Value:
    engine, key = call.frame.engine, (Chain, call.node)
    facts: ChainFacts | None = engine.facts.get(key)
    if facts is None:
        flow = call.get(None, "flow")
        name = flow.name if isinstance(flow, Flow) else text_of(flow)
        hooks = tuple([
            value for word, value in call.keywords if word in {"before_step", "after_step"}
        ])
        facts = ChainFacts(
            name or text_of(call.get(0, "name")),
            call.frame.module,
            call.line,
            call.name.endswith("AsyncChain"),
            hooks,
        )
        engine.facts[key] = facts
        declared_in(engine).chains[call.node, ""] = facts
    return Chain(facts)


def _next(call: Call) -> Value:
    callee = call.value(0, "func")
    name = text_of(call.get(None, "name")) or text_of(call.get(None, "out"))
    behind = [call.get(None, word) for word in ("validate", "log")]
    function = function_in(callee)
    step = ChainStep(
        name or (None if function is None else function.name),
        callee,
        (),
        call.get(None, "when"),
        tuple([one for one in behind if one is not None]),
        call.get(None, "undo"),
        call.frame.module,
        call.node,
    )
    return _extended(call, step)


def _parallel(call: Call) -> Value:
    step = ChainStep(None, UNKNOWN, call.arguments, None, (), None, call.frame.module, call.node)
    return _extended(call, step)


def _extended(call: Call, step: ChainStep) -> Value:
    facts: ChainFacts = call.owner.facts
    function = function_in(step.callee)
    known = [one for one in facts.steps if one.node is step.node]
    if not any(one.callee == step.callee or function_in(one.callee) is function for one in known):
        facts.steps.append(replace(step, name=_unused(facts, step.name)))
    return Chain(facts)


def _unused(facts: ChainFacts, name: str | None) -> str | None:
    """Return the name that a chain gives to another step called `name`."""
    taken = {step.name for step in facts.steps}
    number, made = 2, name
    while name is not None and made in taken:
        made, number = f"{name}_{number}", number + 1
    return made


def _run(call: Call) -> Value:
    run_chain(call.frame, call.owner.facts, call.node)
    return Object("headrace.ChainResult")


def run_chain(frame: Frame, facts: ChainFacts, node: ast.AST, kind: str = "call") -> None:
    """Record that a chain runs here."""
    frame.emit((chain_context(frame.engine, facts),), node, kind)


def chain_context(engine: Engine, facts: ChainFacts) -> Context:
    """Return what a run of a chain runs: steps, and what it calls around these."""
    context = engine.hub(facts)
    if context.module is None:
        context.module, context.line = facts.module, facts.line
        frame = Frame(engine, context, facts.module, {})
        undos: list[tuple[Value, ast.AST]] = []
        _run_steps(frame, facts, facts.flow, undos)
        for undo, node in reversed(undos):
            _call(frame, undo, node)
    return context


def _run_steps(
    frame: Frame, facts: ChainFacts, flow: str | None, undos: list[tuple[Value, ast.AST]]
) -> None:
    for step in list(facts.steps):
        for value in (*facts.hooks, step.when):
            if value is not None:
                _call(frame, value, step.node)
        if step.branches:
            frame.each(step.branches, lambda branch: _run_branch(frame, branch, flow, undos))
            continue
        _run_step(frame, step, flow)
        for value in step.behind:
            _call(frame, value, step.node)
        if step.undo is not None:
            undos.append((step.undo, step.node))


def _run_branch(
    frame: Frame, branch: Value, flow: str | None, undos: list[tuple[Value, ast.AST]]
) -> Value:
    if isinstance(branch, Chain):
        _run_steps(frame, branch.facts, flow, undos)
    return UNKNOWN


def _run_step(frame: Frame, step: ChainStep, flow: str | None) -> None:
    inner = Context(function_in(step.callee), step.module)
    if flow is not None and step.name is not None:
        inner.steps = ((flow, step.name),)
    body = Frame(frame.engine, inner, step.module, {})
    for option in options_of(step.callee):
        _call(body, option, step.node)
    frame.engine.contexts[step.node, flow, frame.context] = inner
    frame.emit((inner,), step.node)


def _call(frame: Frame, value: Value, node: ast.AST) -> None:
    await_(frame, frame.call(value, node), node)


def _chain_task(call: Call) -> Value:
    chain = call.get(1, "chain")
    if isinstance(chain, Chain):
        runner = Bound(chain, "run")
        return make_task(call.frame, runner, call.keywords)
    return UNKNOWN


def _run_chain(call: Call) -> Value:
    chain = call.get(0)
    return Bound(chain, "run") if isinstance(chain, Chain) else UNKNOWN
