"""The common base of `Chain` and `AsyncChain`: building, checking and drawing a chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Never, NoReturn, Self

from headrace._flows.flow import Flow
from headrace._messages.hints import refuse_keyword
from headrace._redaction.rules import checked_redaction

from . import arguments
from .arguments import CHAIN
from .definition import USUAL, Definition, Settings, names_clash
from .errors import FrozenChainError
from .flow_entry import Membership
from .plan import Compiler, Plan, compiled, problems_of
from .recorded import plan_of
from .step import NO_ARGS, Step

if TYPE_CHECKING:
    from headrace._flows.graph import FlowGraph
    from headrace._redaction.rules import Redact

    from .references import Reference
    from .result import ChainResult
    from .retries import RetryOn
    from .step import Call, Options

_ANY_ERROR = (Exception,)


class Builder:
    """A chain under construction; its first run freezes it.

    Attributes:
        name: the chain's name, or None.
    """

    name: str | None = None
    _awaits: bool
    _allow_sync: bool = True
    _flow: str = ""
    _plan: Plan | None = None
    _is_part: bool = False  # of another chain
    _membership: Membership | None = None

    def __init__(
        self,
        name: str | None = None,
        *,
        flow: str | Flow | None = None,
        strict: bool = False,
        before_step: Callable[..., Any] | None = None,
        after_step: Callable[..., Any] | None = None,
        on_retry: Callable[..., Any] | None = None,
        redact: Redact = None,
        deadline: float | None = None,
        deadline_fn: Callable[[], float | None] | None = None,
        safety_margin: float = 0.25,
        jitter: bool = True,
        **misspelt: Never,
    ) -> None:
        for option in misspelt:
            refuse_keyword(type(self), option, type(self).__name__)
        if name is not None or flow is not None:
            self.name = None if name is None else arguments.text("a chain's name", name)
            self._flow = arguments.flow_name(flow) or self.name or ""
        settings = USUAL
        if (
            strict is not False
            or jitter is not True
            or safety_margin != USUAL.safety_margin
            or before_step is not None
            or after_step is not None
            or on_retry is not None
            or redact is not None
            or deadline is not None
            or deadline_fn is not None
        ):
            awaits = self._awaits
            settings = Settings(
                arguments.flag("strict", strict),
                arguments.function("before_step", before_step, awaits=awaits),
                arguments.function("after_step", after_step, awaits=awaits),
                arguments.function("on_retry", on_retry, awaits=awaits),
                checked_redaction(redact),
                None if deadline is None else arguments.seconds("deadline", deadline),
                arguments.function("deadline_fn", deadline_fn, awaits=False),
                arguments.seconds("safety_margin", safety_margin),
                arguments.flag("jitter", jitter),
            )
        self._definition = Definition(settings, self._awaits, self._allow_sync, not self._flow)

    def put(self, key: str, value: Any) -> Self:
        """Put a value into the context with which each run begins.

        All runs share the value itself; pass values that differ per run to `run` as inputs.

        Args:
            key: the key, without a dot.
            value: anything.

        Raises:
            TypeError: `key` is not a string.
            ValueError: `key` is empty or has a dot.
            ChainError: the chain has already run.
        """
        if self._plan is not None or self._is_part:
            self._refuse()
        self._definition.put(key, value)
        return self

    def next(
        self,
        func: Callable[..., Any] | Builder,
        *,
        out: str | None = None,
        args: Sequence[Any] = NO_ARGS,
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        retries: int = 0,
        retry_on: RetryOn = _ANY_ERROR,
        backoff: float = 1.5,
        max_backoff: float = 10.0,
        timeout: float | None = None,
        log: Callable[[ChainResult, Any], Any] | None = None,
        log_fmt: str | None = None,
        validate: Callable[[Any], Any] | None = None,
        when: str | Reference | Callable[[ChainResult], Any] | None = None,
        undo: Callable[[Any], Any] | None = None,
        overwrite: bool = False,
        **misspelt: Never,
    ) -> Self:
        """Add a step.

        A chain can be a step: the outer run reports, draws and undoes its steps as its own. It
        starts with the values of the context, or only with `kwargs`, and writes its outputs
        into the context, or its whole context under `out`.

        Args:
            func: the function to call, or a chain.
            out: the key of the context under which the result is put; without it the result is
                not kept.
            args: the positional arguments. A `str` is a reference into the context, such as
                ``"order.customer.name"`` (keys of mappings, then attributes); `headrace.literal`
                passes a string itself; anything else is passed as it is.
            kwargs: the keyword arguments, in the same way.
            name: the step's name; by default `out`, else the function's name. A second step with
                the same default name gets a number.
            retries: how many times to retry the step if it fails.
            retry_on: the exception types that are worth a retry, or a function of the exception
                that answers True, False, or the delay in seconds.
            backoff: the longest delay before the first retry, in seconds; it doubles each time.
            max_backoff: the longest delay before any retry, in seconds.
            timeout: how long one attempt may take, in seconds; in an `AsyncChain` only.
            log: called as ``log(context, result)`` when the step is done.
            log_fmt: a line to log then, such as ``"loaded={result.count} of {raw.__len__}"``.
            validate: called with the result; rejects it by raising, or by returning False.
            when: a reference, or a function of the context, that decides whether the step runs.
            undo: called with the step's result, if a later step fails for good.
            overwrite: whether `out` may replace the value of an earlier step or an input.
            misspelt: rejected, with the nearest options in the message.

        Raises:
            TypeError: an argument has the wrong type, or is a coroutine function in a `Chain`.
            ValueError: an argument has an invalid value; the message says why.
            DuplicateStepError: another function has this step name in the flow.
            ChainError: the chain has already run.
        """
        if misspelt or self._plan is not None or self._is_part:
            self._refuse(*misspelt)
        options: Options = None
        if (
            retries != 0
            or retry_on is not _ANY_ERROR
            or backoff != 1.5
            or max_backoff != 10.0
            or overwrite is not False
            or when is not None
            or timeout is not None
            or log is not None
            or validate is not None
            or undo is not None
        ):
            policy = (retries, retry_on, backoff, max_backoff)
            options = (*policy, overwrite, when, timeout, log, validate, undo)
        call = (func, out, args, kwargs, name, log_fmt, options)
        if not self._definition.record(call):
            self._add(call)
        return self

    def parallel(self, *branches: Self) -> Self:
        """Add branches that run concurrently: in threads, or in the tasks of an `AsyncChain`.

        Each branch is a chain that starts with the current context; when all are done, their
        outputs are added to it. If one fails, the others are cancelled (in an `AsyncChain`) or
        waited for (in a `Chain`), and what they have done is undone.

        A branch keeps its own options, and inherits `strict`, `redact`, the deadline and any hooks
        that it lacks from this chain. It can no longer be extended.

        Raises:
            TypeError: a branch is not a chain of this chain's type.
            ValueError: no branches, an empty one, two with the same output, or one that refers to
                another's output.
            ChainError: the chain has already run.
        """
        if self._plan is not None or self._is_part:
            self._refuse()
        self._check_branches(branches)
        definition = self._definition
        parts = tuple([branch._definition for branch in branches])
        scope = definition.scope.copy()
        scope.merge([(part.scope, part.values) for part in parts], definition.values)
        whole = Definition(definition.settings, self._awaits, self._allow_sync)
        whole.items.append(parts)
        if self._flow or names_clash([definition, *parts]):
            compiler = Compiler(self._flow, self._awaits, scope.names)
            plan, last = compiler.plan(whole, definition.settings, definition.last)
            self._declare_all(plan)
        else:  # a short cut: they keep their names
            scope.names.taken.update(*(part.scope.names.taken for part in parts))
            last = tuple([name for part in parts for name in part.last])
        for branch in branches:
            branch._is_part = True
        definition.add(parts, last, scope)
        return self

    def copy(self) -> Self:
        """Return an independent chain with the same steps, which can be extended.

        `copy.copy` does the same. The `put` values themselves are shared.
        """
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied._definition = self._definition.copy()
        copied._plan, copied._is_part = None, False
        copied._membership = None
        if self._membership is not None:
            copied._membership = self._membership.copy(copied)
        return copied

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy with independent `put` values."""
        copied = memo[id(self)] = self.copy()
        for key, value in self._definition.values.items():
            with suppress(Exception):  # a lock, a connection
                copied._definition.values[key] = deepcopy(value, memo)
        return copied

    # --- inspection -------------------------------------------------------------------------------

    def graph(self) -> FlowGraph:
        """Return the chain as a graph: each step follows the one before."""
        from headrace._flows.graph import build_graph

        from .flow_entry import notes_of

        plan = self._compiled()
        steps, branches = [*plan.all_steps()], plan.places()
        notes = {step.name: notes_of(step, branches.get(step.name, "")) for step in steps}
        return build_graph(self._flow or "chain", [step.info for step in steps], notes)

    def check(self, *inputs: str) -> list[str]:
        """Return a line for each problem with the chain's references; an empty list means none.

        Args:
            inputs: the names of the inputs that `run` will get.
        """
        return problems_of(self._compiled(), inputs)

    def __repr__(self) -> str:
        """Show the name and the number of steps."""
        count = sum(1 for _ in self._compiled().all_steps())
        return f"<{type(self).__name__} {self.name or '-'}, {count} steps>"

    # --- building ---------------------------------------------------------------------------------

    def _add(self, call: Call) -> None:
        step = Step.of(call, self._checked_kind(call[0]), awaits=self._awaits)
        if step.kind is CHAIN:
            self._add_chain(step, step.function)
            return
        if step.undo is not None and not self._allow_sync:
            self._checked_kind(step.undo)
        definition = self._definition
        scope = definition.scope
        name = scope.names.free(step)
        scope.check(step, name)
        if self._flow:
            self._declare(name, step, definition.last)
        scope.enter(step, name, definition.values)
        definition.add(step, (name,), scope, call)

    def _add_chain(self, step: Step, chain: Builder) -> None:
        definition, inner = self._definition, chain._definition
        if chain is self:
            raise ValueError("a chain cannot be a step of itself")
        if not inner.items:
            raise ValueError("a chain that is a step needs at least one step of its own")
        for function in inner.functions():
            self._checked_kind(function)
        step.take_chain(inner, chain.name or type(chain).__name__)
        scope = definition.scope.copy()
        compiler = Compiler(self._flow, self._awaits, scope.names)
        placed, last = compiler.chain(step, inner, definition.settings, definition.last)
        inside = inner.scope.copy()
        if step.has_inputs:
            inside.open.clear()
        if step.out is not None:
            inside.outputs.clear()
        scope.merge([(inside, inner.values)], definition.values)
        scope.check(step, placed.name)
        scope.enter(step, placed.name, definition.values)
        if placed.plan is not None:
            self._declare_all(placed.plan)
        chain._is_part = True
        definition.add(step, last, scope)

    def _declare_all(self, plan: Plan) -> None:
        if self._flow:
            places = plan.places()
            for step in plan.all_steps():
                self._declare(step.name, step, step.info.after, places.get(step.name, ""))

    def _declare(self, name: str, step: Step, after: tuple[str, ...], branch: str = "") -> None:
        if self._membership is None:
            self._membership = Membership(self, self._flow)
        self._membership.declare(name, step, after, branch)

    def _compiled(self) -> Plan:
        return self._plan or compiled(self._definition, self._flow)

    def _freeze(self) -> Plan:
        self._plan = plan = plan_of(self._definition, self._flow)
        return plan

    def _refuse(self, *misspelt: str) -> NoReturn:
        for name in misspelt:
            refuse_keyword(self.next, name, f"{type(self).__name__}.next")
        if self._is_part:
            reason = (
                "this chain is already a branch or a step of another chain and can no longer "
                "change; add all steps before parallel() or next(), or extend a copy()"
            )
        else:
            reason = (
                "this chain has already run and can no longer change; pass values that differ per "
                "run as inputs, as in chain.run(order=order), and add steps to a copy()"
            )
        raise FrozenChainError(reason=reason)

    def _checked_kind(self, function: Any) -> str:
        if isinstance(function, Builder) and not callable(function):
            return CHAIN
        return arguments.step_kind(function, awaits=self._awaits, allow_sync=self._allow_sync)

    def _check_branches(self, branches: Sequence[Builder]) -> None:
        kind = type(self).__name__
        if not branches:
            raise ValueError(f"parallel() takes chains to run concurrently: parallel({kind}(), …)")
        for branch in branches:
            if not isinstance(branch, Builder) or branch._awaits != self._awaits:
                raise TypeError(f"the branches of a {kind} are {kind}s, not {branch!r}")
            if branch is self:
                raise ValueError("a chain cannot be a branch of itself")
            if not branch._definition.items:
                raise ValueError("a branch needs at least one step")
