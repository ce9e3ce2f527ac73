"""headrace itself: steps, entrypoints, flows, flow tasks and chains.

Declarations are collected in `Declared`, by ``engine.fact``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from headrace_inspect._evaluate._contexts import Call, Context, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    Arguments,
    Bound,
    ClassValue,
    Items,
    Known,
    Named,
    Object,
    Value,
    constant,
    function_in,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Class, Function, Module

from ._tasks import Task, make_task

_SEEDS = """
    step entrypoint flow_task open Chain AsyncChain next parallel chain_task run_chain
    durable
"""


@dataclass(slots=True, eq=False)
class Flow(Known):
    """A flow, by its name."""

    name: str | None


@dataclass(slots=True, eq=False)
class Declarator(Known):
    """A decorator that declares a step."""

    flow: Value  # the name of the flow; None in a class decorated with its flow
    is_entrypoint: bool
    after: Arguments = ()  # the preceding steps
    name: Value = None  # the name of the step; None for the function's name
    task: Named | None = None  # the task options, if the step also becomes a task, or None


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A step of a chain, or a set of parallel branches."""

    name: str | None
    callee: Value
    branches: Arguments
    options: dict[str, Value]
    module: Module
    node: Any
    scope: Any  # the module or function that adds it


@dataclass(eq=False, slots=True)
class ChainFacts:
    """A chain, identified by the call that creates it."""

    flow: str | None
    module: Module
    line: int
    options: dict[str, Value]
    steps: list[ChainStep] = field(default_factory=list)
    puts: dict[str, None] = field(default_factory=dict)  # the keys of `put`
    is_run: bool = False
    evaluated: int = 0  # how many steps the evaluated run has


@dataclass(slots=True, eq=False)
class Chain(Known):
    """A chain under construction."""

    facts: ChainFacts


@dataclass(slots=True)
class Declared:
    """Declarations in the source."""

    functions: dict[Function, list[Declarator]] = field(default_factory=dict)
    # The syntax of the declarators, and whether each is applied to a task.
    nodes: dict[Function, dict[Any, bool]] = field(default_factory=dict)
    class_flows: dict[Class, list[str]] = field(default_factory=dict)
    chains: dict[object, ChainFacts] = field(default_factory=dict)  # by the calls
    opened: set[str] = field(default_factory=set)  # flows
    # The chains given to ``durable(...)``, and where, by the names of their runs.
    durable: dict[str, tuple[ChainFacts, Module, int]] = field(default_factory=dict)


COMPUTED = Object("computed")
"""Stands for an argument whose value is unknown."""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    flows = "headrace.flow headrace.get_flow headrace.Flow"
    function(lambda call: Flow(text_of(call.value(0, "name"))), flows)
    function(_decorate, "headrace.step headrace.entrypoint")
    function(_flow_task, "headrace_celery.flow_task")
    method(_decorate, Flow, "step entrypoint")
    method(_flow_class, Flow, "__call__")
    method(_open, Flow, "open")
    method(lambda call: _apply(call, call.owner, call.value(0)), Declarator, "__call__")
    function(_chain, "headrace.Chain headrace.AsyncChain")
    method(_extend, Chain, "next parallel")
    method(_put, Chain, "put")
    method(_run, Chain, "run")
    function(lambda call: _runner(call, 1), "headrace_celery.chain_task")
    function(lambda call: _runner(call, 0), "headrace_fastapi.run_chain")
    function(_durable, "headrace_dbos.durable")
    registry.finishing.append(_finish)
    registry.seeds.update(_SEEDS.split())


def _argument(call: Call, index: int | None, name: str = "") -> Value:
    """Return an argument: None if it is absent, `COMPUTED` if it is unknown."""
    return (call.value(index, name) or COMPUTED) if call.has(index, name) else None


def _open(call: Call) -> Value:
    call.engine.fact(Declared).opened.add(call.owner.name)
    return Object("headrace.OpenedFlow")


# --- decorators -----------------------------------------------------------------------------------


def _decorate(call: Call) -> Value:
    given = _argument(call, 0)
    is_applied = function_in(given) is not None
    flow = None if is_applied else given
    if isinstance(call.owner, Flow):
        flow = COMPUTED if call.owner.name is None else constant(call.owner.name)
    made = _declarator(call, flow, is_entrypoint=call.name.endswith("entrypoint"))
    return _apply(call, made, call.value(0)) if is_applied else made


def _flow_task(call: Call) -> Value:
    given = _argument(call, 0)
    if function_in(given) is not None:
        return make_task(call.frame, call.value(0), call.keywords)
    if given is None:
        return Declarator(None, is_entrypoint=False, name=COMPUTED, task=call.keywords)
    made = _declarator(call, given, call.value(None, "entrypoint") == constant(True))
    return replace(made, name=_argument(call, None, "step_name"), task=call.keywords)


def _declarator(call: Call, flow: Value, is_entrypoint: bool) -> Declarator:
    after = _argument(call, None, "after")
    given = call.contents(after) if isinstance(after, Items) else (after,) if after else ()
    references = tuple([one or COMPUTED for one in given])
    return Declarator(flow, is_entrypoint, references, _argument(call, None, "name"))


def _apply(call: Call, declarator: Declarator, value: Value) -> Value:
    declared, task = call.engine.fact(Declared), declarator.task
    function = call.frame.decorating or function_in(value)
    if function is not None and (task is None or declarator.flow is not None):
        declared.nodes.setdefault(function, {})[call.node] = isinstance(value, Task)
        call.engine.demand.add_goal(function)
        known = declared.functions.setdefault(function, [])
        if declarator not in known:
            known.append(declarator)
    return value if task is None else make_task(call.frame, value, task)


def _flow_class(call: Call) -> Value:
    given = call.value(0)
    if isinstance(given, ClassValue) and call.owner.name is not None:
        flows = call.engine.fact(Declared).class_flows.setdefault(given.cls, [])
        if call.owner.name not in flows:
            flows.append(call.owner.name)
    return given


# --- chains ---------------------------------------------------------------------------------------


def _chain(call: Call) -> Value:
    chains = call.engine.fact(Declared).chains
    key = call.frame.location(call.node)
    if key not in chains:
        flow = call.value(None, "flow")
        name = flow.name if isinstance(flow, Flow) else text_of(flow)
        name = name or text_of(call.value(0, "name"))
        where = (call.frame.module, line_of(call.node))
        chains[key] = ChainFacts(name, *where, dict(call.keywords))
    return Chain(chains[key])


def _put(call: Call) -> Value:
    key = text_of(call.value(0, "key"))
    if key is not None:
        call.owner.facts.puts[key] = None
    return Chain(call.owner.facts)


def _durable(call: Call) -> Value:
    chain = call.value(0, "chain")
    if isinstance(chain, Chain):
        name = text_of(call.value(None, "name")) or chain.facts.flow
        if name is not None:
            place = (chain.facts, call.frame.module, line_of(call.node))
            call.engine.fact(Declared).durable.setdefault(name, place)
    return chain


def _extend(call: Call) -> Value:
    facts: ChainFacts = call.owner.facts
    branches = call.arguments if call.name == "parallel" else ()
    callee = None if branches else call.value(0, "func")
    function = function_in(callee)
    known = [one for one in facts.steps if one.node == call.node]
    if not any(one.callee == callee or function_in(one.callee) is function for one in known):
        name = text_of(call.value(None, "name")) or text_of(call.value(None, "out"))
        name = made = name or (None if function is None else function.name)
        taken, number = {step.name for step in facts.steps}, 2
        while name is not None and made in taken:  # the chain adds the same suffix
            made, number = f"{name}_{number}", number + 1
        about = (dict(call.keywords), call.frame.module, call.node, call.frame.scope)
        later = [place for place, one in enumerate(facts.steps)
                 if one.scope is call.frame.scope and one.node[-1] > call.node[-1]]  # fmt: skip
        place = later[0] if later else len(facts.steps)
        facts.steps.insert(place, ChainStep(made, callee, branches, *about))
    return Chain(facts)


def _run(call: Call) -> Value:
    call.owner.facts.is_run = True
    call.frame.emit((call.engine.call_targets(call.owner.facts),), call.node)
    return Object("headrace.ChainResult")


def _runner(call: Call, index: int) -> Value:
    chain = call.value(index, "chain")
    if not isinstance(chain, Chain):
        return None
    runner = Bound(chain, "run")
    return make_task(call.frame, runner, call.keywords) if index else runner


def _finish(engine: Engine) -> None:
    """Evaluate the runs of chains: their steps, hooks, conditions and undo functions."""
    for facts in list(engine.fact(Declared).chains.values()):
        context = engine.call_targets(facts)
        is_run = facts.is_run or facts.flow is not None
        if is_run and facts.evaluated != len(facts.steps):
            facts.evaluated = len(facts.steps)
            context.module, context.line = facts.module, facts.line
            context.forget()
            undos: list[ChainStep] = []
            _run_steps(context, facts, facts.flow, undos)
            for step in reversed(undos):
                _call(context, step.node, step.options, "undo")


def _run_steps(frame: Context, facts: ChainFacts, flow: str | None, undos: list[ChainStep]) -> None:
    def run_branch(branch: Value) -> Value:
        if isinstance(branch, Chain):
            _run_steps(frame, branch.facts, flow, undos)
        return None

    for step in list(facts.steps):
        _call(frame, step.node, facts.options, "before_step", "after_step")
        _call(frame, step.node, step.options, "when")
        if step.branches:
            frame.each(step.branches, run_branch)
        else:
            steps = () if flow is None or step.name is None else ((flow, step.name),)
            inner = Context(frame.engine, None, step.module, steps=steps)
            inner.function = function_in(step.callee)
            frame.engine.demand.mark_relevant(inner)
            for option in options_of(step.callee):
                inner.call(option, step.node)
            frame.emit((inner,), step.node)
            _call(frame, step.node, step.options, "validate", "log")
            undos.append(step)


def _call(frame: Context, node: Any, options: dict[str, Value], *names: str) -> None:
    for callee in [options[name] for name in names if options.get(name) is not None]:
        frame.call(callee, node)
