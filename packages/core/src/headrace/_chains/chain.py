"""`Chain`, and the public methods that it shares with `AsyncChain`.

To keep ``from headrace import Chain`` fast, this module imports nothing that a chain needs only
later: the first chain imports the builder, and the first run the driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never, NoReturn, Self

from headrace._messages.hints import refuse_keyword

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace._flows.flow import Flow
    from headrace._flows.graph import FlowGraph
    from headrace._redaction.rules import Redact

    from .builder import Builder
    from .definition import Settings
    from .plan import Plan
    from .references import Reference
    from .result import ChainResult
    from .retries import RetryOn
    from .step import Options

_ANY_ERROR = (Exception,)
_MARGIN = 0.25


class BaseChain:
    """A chain; its first run freezes it.

    Attributes:
        name: the chain's name, or None.
    """

    name: str | None = None
    _awaits: bool
    _allow_sync: bool = True
    _flow: str = ""
    _plan: Plan | None = None
    _is_part: bool = False  # as a branch or step of another chain

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
        safety_margin: float = _MARGIN,
        jitter: bool = True,
        **misspelt: Never,
    ) -> None:
        for option in misspelt:
            refuse_keyword(type(self), option, type(self).__name__)
        if name is not None or flow is not None:
            self._take_names(name, flow)
        settings = None
        if (
            strict is not False
            or jitter is not True
            or safety_margin != _MARGIN
            or before_step is not None
            or after_step is not None
            or on_retry is not None
            or redact is not None
            or deadline is not None
            or deadline_fn is not None
        ):
            from .definition import checked_settings

            settings = checked_settings(
                strict,
                before_step,
                after_step,
                on_retry,
                redact,
                deadline,
                deadline_fn,
                safety_margin,
                jitter,
                awaits=self._awaits,
            )
        self._builder = _new_builder(settings, self._awaits, self._allow_sync, self._flow, self)

    def _take_names(self, name: str | None, flow: str | Flow | None) -> None:
        from .arguments import flow_name, text

        self.name = None if name is None else text("a chain's name", name)
        self._flow = flow_name(flow) or self.name or ""

    def put(self, key: str, value: Any) -> Self:
        """Set an initial value of the context.

        All runs share the value itself; pass values that differ from run to run as inputs of `run`.

        Args:
            key: the key, without a dot.
            value: anything.

        Raises:
            TypeError: `key` is not a string.
            ValueError: `key` is empty or contains a dot.
            ChainError: the chain has already run.
        """
        if self._plan is not None or self._is_part:
            self._refuse()
        self._builder.put(key, value)
        return self

    def next(
        self,
        func: Callable[..., Any] | BaseChain,
        *,
        out: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        retries: int | None = None,
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

        A step can be a chain; the outer chain reports, draws and undoes the inner steps as its own.
        The inner chain starts with the values of the context, or only with `kwargs`. It writes its
        outputs into the context, or, with `out`, its whole context under that key.

        Args:
            func: the function to call, or a chain.
            out: the key of the context to store the result under; by default it is not stored.
            args: the positional arguments. A `str` is a reference into the context, such as
                ``"order.customer.name"`` (keys of mappings, then attributes); `headrace.literal`
                passes a string unchanged; any other value is passed as it is.
            kwargs: the keyword arguments, with references as in `args`.
            name: the step's name; by default `out`, else the function's name. Default names that
                are taken get a number.
            retries: the maximum number of retries, by default none; without it, `retry_on`,
                `backoff` and `max_backoff` are refused.
            retry_on: the exception types to retry on, or a function that takes the exception and
                returns True, False, or the delay in seconds.
            backoff: the longest delay before the first retry, in seconds; it doubles each time.
            max_backoff: the longest delay before any retry, in seconds.
            timeout: how long one attempt may take, in seconds; in an `AsyncChain` only.
            log: called as ``log(context, result)`` when the step is done.
            log_fmt: a line to log when the step is done, such as
                ``"loaded={result.count} of {raw.__len__}"``.
            validate: called with the result; rejects it by raising an exception or returning False.
            when: a reference, or a function that takes the context; if its value is false, the step
                is skipped.
            undo: called with the step's result if a later step fails for good.
            overwrite: whether `out` may replace the value of an earlier step or an input.
            misspelt: rejected; the message suggests the nearest options.

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
            retries is not None
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
        if self._builder.record(call):
            return self
        if isinstance(func, BaseChain) and not callable(func):
            if func is self:
                raise ValueError("a chain cannot be a step of itself")
            self._builder.add_chain(call, func._builder, func.name or type(func).__name__)
            func._is_part = True
        else:
            self._builder.add_step(call)
        return self

    def parallel(self, *branches: Self) -> Self:
        """Add branches that run concurrently: in threads, or in the tasks of an `AsyncChain`.

        Each branch is a chain that starts with the values of the context. When all are done, their
        outputs are added to the context. If one fails, the others are cancelled (in an
        `AsyncChain`) or awaited (in a `Chain`), and then undone.

        A branch keeps its own options. It inherits `strict`, `redact`, the deadline, and any hooks
        that it lacks, from this chain. It can no longer be extended.

        Raises:
            TypeError: a branch is not a chain of this chain's type.
            ValueError: there are no branches, one is empty, two have the same output, or one refers
                to another's output.
            ChainError: the chain has already run.
        """
        if self._plan is not None or self._is_part:
            self._refuse()
        kind = type(self).__name__
        if not branches:
            raise ValueError(f"parallel() takes chains to run concurrently: parallel({kind}(), …)")
        for branch in branches:
            if not isinstance(branch, BaseChain) or branch._awaits != self._awaits:
                raise TypeError(f"{kind}.parallel() takes {kind}s, not {branch!r}")
            if branch is self:
                raise ValueError("a chain cannot be a branch of itself")
        self._builder.add_branches([branch._builder for branch in branches])
        for branch in branches:
            branch._is_part = True
        return self

    def copy(self) -> Self:
        """Return an independent chain with the same steps, which can be extended.

        `copy.copy` does the same. The `put` values themselves are shared.
        """
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied._plan, copied._is_part = None, False
        copied._builder = self._builder.copy(copied)
        return copied

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy with deep copies of the `put` values, where they can be copied."""
        copied = memo[id(self)] = self.copy()
        copied._builder.copy_values(memo)
        return copied

    # --- inspection -------------------------------------------------------------------------------

    def graph(self) -> FlowGraph:
        """Return the chain as a graph, in which each step follows the one before."""
        return self._builder.graph(self._plan)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that `run` needs: the names that no earlier step or `put` provides."""
        return self._builder.inputs(self._plan)

    def check(self, *inputs: str) -> list[str]:
        """Return one line per problem with the chain's references.

        Args:
            inputs: the names of the inputs that `run` will get.
        """
        return self._builder.problems(self._plan, inputs)

    def __repr__(self) -> str:
        """Show the name and the number of steps."""
        plan = self._plan or self._builder.compiled()
        count = sum(1 for _ in plan.all_steps())
        return f"<{type(self).__name__} {self.name or '-'}, {count} steps>"

    # --- freezing ---------------------------------------------------------------------------------

    def _freeze(self) -> Plan:
        self._plan = plan = self._builder.plan()
        return plan

    def _refuse(self, *misspelt: str) -> NoReturn:
        for name in misspelt:
            refuse_keyword(self.next, name, f"{type(self).__name__}.next")
        self._builder.refuse(is_part=self._is_part)


class Chain(BaseChain):
    """A pipeline of steps, built once and run many times, in many threads at once.

        etl = Chain("etl").next(extract, out="raw").next(load, out="loaded", args=["raw"])
        result = etl.run(day="2026-11-21")
        result["loaded"]

    Args:
        name: the chain's name, and the flow in which its steps are declared.
        flow: the flow, if it is not named like the chain.
        strict: whether an unresolved reference raises `UnresolvedReferenceError`; by default its
            value is None.
        before_step: called as ``before_step(step=..., context=...)`` once before each step.
        after_step: called as ``after_step(step=..., context=..., result=..., elapsed=...)`` once
            after each step that succeeds; `elapsed` is in seconds.
        on_retry: called as ``on_retry(step=..., exc=..., attempt=..., next_delay=...)`` before the
            wait for each retry; `attempt` is the one that failed, from 1, and `next_delay` is in
            seconds.
        redact: the keys whose values are masked in everything that the chain writes, or a function
            that is applied to each log line.
        deadline: how long a run may take, in seconds.
        deadline_fn: called when a run begins; returns the seconds left, or None for no limit.
        safety_margin: the time to keep free before the deadline, in seconds.
        jitter: whether to draw the delay before each retry at random, between 0 and its maximum.
        misspelt: rejected; the message suggests the nearest options.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: an argument has an invalid value.
    """

    _awaits = False

    def run(self, /, **inputs: Any) -> ChainResult:
        """Run the steps in order on a new context, and return the context.

        The run joins the active unit of work; if there is none, it opens one.

        Args:
            inputs: initial values of the context; they override those set by `put`.

        Raises:
            StepFailedError: a step failed for good; `result` holds the context up to then.
            ValidationFailedError: `validate` rejected the result of a step.
            DeadlineExceededError: the deadline passed.
            UnresolvedReferenceError: the chain is strict, and a reference is unresolved.
        """
        plan = self._plan or self._freeze()
        return _run(plan, self._flow, inputs)


# --- loaded when first needed; each function then replaces itself ---------------------------------


def _new_builder(
    settings: Settings | None, awaits: bool, allow_sync: bool, flow: str, owner: object
) -> Builder:
    from .builder import Builder

    globals()["_new_builder"] = Builder
    return Builder(settings, awaits, allow_sync, flow, owner)


def _run(plan: Plan, flow: str, inputs: dict[str, Any]) -> ChainResult:
    from .sync_driver import run

    globals()["_run"] = run
    return run(plan, flow, inputs)
