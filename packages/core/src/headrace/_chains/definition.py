"""What `Chain` and `AsyncChain` have in common: how a chain is built, checked and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from inspect import isasyncgenfunction
from typing import TYPE_CHECKING, Any, Never, NoReturn, Self

from headrace._callables import own_name
from headrace._flows.registry import Flow
from headrace._messages.hints import refuse_keyword

from . import arguments
from .check import problems_of
from .errors import FrozenChainError
from .flow_entry import Membership
from .kinds import CHAIN, COROUTINE, kind_of
from .names import Ledger
from .nesting import place_chain
from .placing import Draft, Placing
from .plan import Plan, Settings
from .redaction import checked_redaction
from .spec import Names, Spec, free_name

if TYPE_CHECKING:
    from headrace._flows.graph import FlowGraph

    from .redaction import Redact
    from .references import Reference
    from .result import ChainResult
    from .retries import RetryOn

_NO_ARGS = ()
_ANY_ERROR = (Exception,)


class Definition:
    """A chain as it is being built; the first run freezes it.

    Attributes:
        name: the chain's name, or None.
    """

    _awaits: bool
    _allow_sync = True

    def __init__(
        self,
        name: str | None,
        *,
        flow: str | Flow | None,
        strict: bool,
        before_step: Callable[..., Any] | None,
        after_step: Callable[..., Any] | None,
        on_retry: Callable[..., Any] | None,
        redact: Redact,
        deadline: float | None,
        deadline_fn: Callable[[], float | None] | None,
        safety_margin: float,
        jitter: bool,
    ) -> None:
        awaits = self._awaits
        self.name: str | None = None if name is None else arguments.text("a chain's name", name)
        self._flow = _flow_name(flow) or self.name or ""
        self._unit_name = self._flow or None
        self._settings = Settings(
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
        self._values: dict[str, Any] = {}
        self._items: list[Spec | tuple[Draft, ...]] = []
        self._tails: tuple[str, ...] = ()  # what the next step comes after
        self._ledger = Ledger()
        self._plan: Plan | None = None
        self._is_branch = False
        self._membership: Membership | None = None

    def put(self, key: str, value: Any) -> Self:
        """Put a value into the context with which each run begins.

        All runs share the value itself; what differs from run to run is an input of `run`.

        Args:
            key: the key, without a dot.
            value: anything.

        Raises:
            TypeError: `key` is no string.
            ValueError: `key` is empty or has a dot.
            ChainError: the chain has already run.
        """
        if self._plan is not None or self._is_branch:
            self._refuse()
        self._values[arguments.key("put()", key)] = value
        return self

    def next(
        self,
        func: Callable[..., Any] | Definition,
        *,
        out: str | None = None,
        args: Sequence[Any] = _NO_ARGS,
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
                passes a text itself; anything else is passed as it is.
            kwargs: the keyword arguments, in the same way.
            name: the step's name; without it, `out`, else the function's name. A second step of
                one name gets a number.
            retries: how often the step is tried again where it fails.
            retry_on: the exception types that are worth a retry, or a function of the exception
                that answers True, False, or the delay in seconds.
            backoff: the longest delay before the first retry, in seconds; it doubles each time.
            max_backoff: the longest delay before any retry, in seconds.
            timeout: how long one attempt may take, in seconds; in an `AsyncChain` only.
            log: called as ``log(context, result)`` when the step is done.
            log_fmt: a line to log then, such as ``"loaded={result.count} of {raw.__len__}"``.
            validate: called with the result; rejects it by raising, or by returning False.
            when: a reference or a function of the context: whether to do the step at all.
            undo: called with the step's result, if a later step fails for good.
            overwrite: whether `out` may be a key that an earlier step, or an input, has given.
            misspelt: rejected, with the nearest options in the message.

        Raises:
            TypeError: an argument of a wrong type, or a coroutine function in a `Chain`.
            ValueError: an argument with an impossible value; the message says why.
            DuplicateStepError: another function has this step name in the flow.
            ChainError: the chain has already run.
        """
        if misspelt or self._plan is not None or self._is_branch:
            self._refuse(*misspelt)
        spec = Spec(func, self._checked_kind(func))
        if out is not None:
            spec.out = arguments.key("out", out)
        if name is not None:
            spec.name = arguments.text("name", name)
        if args is not _NO_ARGS or kwargs is not None:
            spec.take_arguments(args, kwargs)
        if overwrite is not False:
            spec.overwrite = arguments.flag("overwrite", overwrite)
        if retries != 0 or retry_on is not _ANY_ERROR or backoff != 1.5 or max_backoff != 10.0:
            spec.take_retries(retries, retry_on, backoff, max_backoff)
        if log_fmt is not None:
            spec.take_template(log_fmt)
        for extra in (when, timeout, log, validate, undo):
            if extra is not None:
                self._take_extras(spec, when, timeout, log, validate, undo)
                break
        self._add(spec)
        return self

    def parallel(self, *branches: Self) -> Self:
        """Add branches that run at once: in threads, or in the tasks of an `AsyncChain`.

        Each branch is a chain that begins with what the context holds. When all are done their
        outputs are put into it. Where one fails the others are cancelled (in an `AsyncChain`) or
        waited for (in a `Chain`), and what they have done is undone.

        A branch has the options it was given, and takes the hooks that it has not, `strict`,
        `redact` and the deadline from this chain. It cannot be built further.

        Raises:
            TypeError: a branch is no chain of this chain's type.
            ValueError: no branches, an empty one, two with one output, or one that refers to
                another's output.
            ChainError: the chain has already run.
        """
        if self._plan is not None or self._is_branch:
            self._refuse()
        self._check_branches(branches)
        ledger = self._ledger.copy()
        given = [branch._values for branch in branches]
        ledger.merge([branch._ledger for branch in branches], given, self._values)
        drafts = tuple([branch._draft() for branch in branches])
        place = Placing(self._flow, self._awaits, ledger.names)
        whole = Draft((drafts,), self._settings, {})
        if self._flow:
            plan, tails = place.plan(whole, self._tails)
            self._declare_all(plan)
        else:
            tails = self._named(place, ledger, branches, whole)
        for branch in branches:
            branch._is_branch = True
        self._ledger, self._tails = ledger, tails
        self._items.append(drafts)
        return self

    def copy(self) -> Self:
        """Return an independent chain with the same steps, which can be extended.

        `copy.copy` does the same. The `put` values themselves are shared.
        """
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied._values = self._values.copy()
        copied._items = self._items.copy()
        copied._ledger = self._ledger.copy()
        copied._plan, copied._is_branch = None, False
        copied._membership = None
        if self._membership is not None:
            copied._membership = self._membership.copy(copied)
        return copied

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy with independent `put` values."""
        copied = memo[id(self)] = self.copy()
        for key, value in self._values.items():
            with suppress(Exception):  # a lock, a connection
                copied._values[key] = deepcopy(value, memo)
        return copied

    # --- looking at it ----------------------------------------------------------------------------

    def graph(self) -> FlowGraph:
        """Return the chain as a graph: each step follows the one before."""
        from headrace._flows.graph import build_graph

        from .notes import notes_on

        plan = self._compiled()
        infos = [step.info for step in plan.all_steps()]
        return build_graph(self._flow or "chain", infos, notes_on(plan))

    def check(self, *inputs: str) -> list[str]:
        """Return what is wrong with the chain's references, a line for each; at best nothing.

        Args:
            inputs: the names of the inputs that `run` will get.
        """
        return problems_of(self._compiled(), self._values, inputs)

    def __repr__(self) -> str:
        """Show the name and the number of steps."""
        count = sum(1 for _ in self._compiled().all_steps())
        return f"<{type(self).__name__} {self.name or '-'}, {count} steps>"

    # --- building ---------------------------------------------------------------------------------

    def _take_extras(
        self,
        spec: Spec,
        when: Any,
        timeout: float | None,
        log: Any,
        validate: Any,
        undo: Any,
    ) -> None:
        awaits = self._awaits
        if when is not None:
            spec.take_when(when, awaits=awaits)
        if log is not None or validate is not None or undo is not None:
            spec.take_callbacks(log, validate, undo, awaits=awaits)
        if timeout is not None:
            spec.take_timeout(timeout, awaits=awaits)
        if undo is not None and not self._allow_sync:
            self._checked_kind(undo)

    def _add(self, spec: Spec) -> None:
        if spec.kind is CHAIN:
            self._add_chain(spec, spec.function)
            return
        ledger = self._ledger
        name = spec.name or spec.out or own_name(spec.function)
        if name in ledger.names.taken:
            name = free_name(spec, ledger.names)
        ledger.check(spec, name)
        if self._flow:
            self._declare(name, spec, self._tails)
        ledger.enter(spec, name, self._values)
        self._items.append(spec)
        self._tails = (name,)

    def _add_chain(self, spec: Spec, chain: Definition) -> None:
        step, tails, ledger = place_chain(self, chain, spec)
        self._declare_all(step.plan)
        chain._is_branch = True
        self._ledger, self._tails = ledger, tails
        self._items.append(spec)

    def _named(
        self, place: Placing, ledger: Ledger, branches: Sequence[Definition], whole: Draft
    ) -> tuple[str, ...]:
        """Name the steps of branches, and return the last of them."""
        names: set[str] = set()
        for branch in branches:
            taken = branch._ledger.names.taken
            if not taken.isdisjoint(names) or not taken.isdisjoint(ledger.names.taken):
                return place.names(whole, self._tails)
            names |= taken
        ledger.names.taken |= names  # they keep their names
        return tuple([name for branch in branches for name in branch._tails])

    def _declare_all(self, plan: Plan) -> None:
        if self._flow:
            places = plan.places()
            for step in plan.all_steps():
                self._declare(step.name, step.spec, step.info.after, places.get(step.name, ""))

    def _declare(self, name: str, spec: Spec, after: tuple[str, ...], branch: str = "") -> None:
        if self._membership is None:
            self._membership = Membership(self, self._flow)
        self._membership.declare(name, spec, after, branch)

    def _draft(self) -> Draft:
        return Draft(tuple(self._items), self._settings, dict(self._values))

    def _compiled(self) -> Plan:
        return self._plan or Placing(self._flow, self._awaits, Names()).plan(self._draft())[0]

    def _freeze(self) -> Plan:
        self._plan = plan = self._compiled()
        return plan

    def _refuse(self, *misspelt: str) -> NoReturn:
        for name in misspelt:
            refuse_keyword(self.next, name, f"{type(self).__name__}.next")
        if self._is_branch:
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
        try:
            kind = kind_of(function)
        except TypeError:
            if not isinstance(function, Definition):
                raise
            return CHAIN
        if kind is COROUTINE and not self._awaits:
            raise TypeError(
                f"{own_name(function)!r} is a coroutine function, which a Chain cannot await; use "
                f"AsyncChain"
            )
        if not self._allow_sync and kind is not COROUTINE and not isasyncgenfunction(function):
            raise TypeError(
                f"{own_name(function)!r} is a sync function, which this chain refuses "
                f"(allow_sync=False); make it a coroutine function"
            )
        return kind

    def _check_branches(self, branches: Sequence[Definition]) -> None:
        kind = type(self).__name__
        if not branches:
            raise ValueError(f"parallel() takes the chains that run at once: parallel({kind}(), …)")
        for branch in branches:
            if not isinstance(branch, Definition) or branch._awaits != self._awaits:
                raise TypeError(f"the branches of a {kind} are {kind}s, not {branch!r}")
            if branch is self:
                raise ValueError("a chain cannot be a branch of itself")
            if not branch._items:
                raise ValueError("a branch needs at least one step")


def _flow_name(flow: Any) -> str | None:
    if flow is None:
        return None
    return flow.name if isinstance(flow, Flow) else arguments.text("flow", flow)
