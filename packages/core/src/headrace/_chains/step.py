"""A step of a chain: the validated arguments of `Chain.next`, and its compiled form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace._callables import description_of, location_of, own_name, without_partials
from headrace._flows.wrap import wrap_step
from headrace._step_info import StepInfo

from . import arguments
from .arguments import GENERATOR
from .references import Reference, binding, getter, operand, split
from .retries import NO_RETRIES, RETRY_DEFAULTS, Retries
from .templates import template_of

if TYPE_CHECKING:
    from .definition import Definition
    from .plan import Plan
    from .references import Bind, Operand
    from .result import ChainResult
    from .templates import Template

    Uses = tuple[str, tuple[str, ...]]
    # The arguments of `Chain.next`: func, out, args, kwargs, name, log_fmt and the options, which
    # are retries, retry_on, backoff, max_backoff, overwrite, when, timeout, log, validate and undo,
    # or None if all of these have their defaults.
    Options = tuple[int | None, Any, float, float, bool, Any, float | None, Any, Any, Any] | None
    Kwargs = Mapping[str, Any] | None
    Call = tuple[Any, str | None, Sequence[Any], Kwargs, str | None, str | None, Options]


_NO_ARGS = ()


class Step:
    """A step of a chain.

    `Chain.next` creates it from its arguments. `place` compiles it for a plan, in which it has a
    name and can be called; the attributes from `name` on are those of a placed step. If its chain
    is part of another chain, that chain's plan has a copy.

    Attributes:
        function: the function to call.
        kind: what calling it returns; see `kind_of`.
        given_name: the name that was given, or None.
        out: the key of the context that the result is stored under, or None.
        args: the positional arguments: split paths, or literals.
        kwargs: the keyword arguments, likewise.
        references: its references: pairs of the option that holds the path, and the path.
        retries: its retry policy.
        timeout: how long an attempt may take, in seconds, or None.
        template: the line to log, or None.
        log: the function that logs its result, or None.
        validate: the function that accepts or rejects the result, or None.
        when: the path or the predicate that decides whether the step runs, or None.
        undo: the function that undoes it, or None.
        overwrite: whether `out` may replace an earlier value.
        inner: the definition of a nested chain, or None; with one, `function` makes its inputs.
        inner_name: the name of that chain.
        has_inputs: whether that chain gets inputs instead of the values of the context.
        is_plain: whether it is only a call, which may be retried and logged.
        name: its name, unique in the chain.
        info: its description for backends and the context.
        plan: the compiled `inner`, or None for a function.
        target: the function to call there: `function`, or the wrapper of a generator function.
        emits: whether the chain reports the step; a generator reports itself, for as long as it is
            iterated over.
        bind: turns a function into a call with the step's arguments from a context.
        call: the call of `target`, made by `bind`.
        key: the key of the function's only argument, if that is the value under one key: the call
            is then ``function(context.get(key))``.
        condition: decides from the context whether the step runs, or None.
    """

    # Class attributes: most steps set few of these, and a default then costs nothing.
    given_name: str | None = None
    out: str | None = None
    args: tuple[Operand, ...] = ()
    kwargs: Mapping[str, Operand] = {}
    references: tuple[Uses, ...] = ()
    retries: Retries = NO_RETRIES
    timeout: float | None = None
    template: Template | None = None
    log: Callable[[ChainResult, Any], Any] | None = None
    validate: Callable[[Any], Any] | None = None
    when: tuple[str, ...] | Callable[[ChainResult], Any] | None = None
    undo: Callable[[Any], Any] | None = None
    overwrite: bool = False
    inner: Definition | None = None
    inner_name: str | None = None
    has_inputs: bool = False
    is_plain: bool = True

    name: str
    info: StepInfo
    target: Callable[..., Any]
    bind: Bind
    call: Callable[[ChainResult], Any]
    plan: Plan | None = None
    emits: bool = True
    key: str | None = None
    condition: Callable[[ChainResult], Any] | None = None

    def __init__(self, function: Any, kind: str) -> None:
        self.function: Any = function
        self.kind = kind

    @classmethod
    def of(cls, call: Call, kind: str, *, awaits: bool) -> Step:
        """Return the step that a call to `Chain.next` defines.

        Args:
            call: the arguments.
            kind: the kind of the function.
            awaits: whether the chain awaits coroutines.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: an argument has an invalid value; the message says why.
        """
        function, out, args, kwargs, name, log_fmt, options = call
        step = cls(function, kind)
        if out is not None:
            step.out = arguments.key("out", out)
        if name is not None:
            step.given_name = arguments.text("name", name)
        if args is not _NO_ARGS or kwargs is not None:
            step.take_arguments(args, kwargs)
        if options is not None:
            retries, retry_on, backoff, max_backoff, overwrite = options[:5]
            if overwrite is not False:
                step.overwrite = arguments.flag("overwrite", overwrite)
            step.take_retries(retries, retry_on, backoff, max_backoff)
        if log_fmt is not None:
            step.take_template(log_fmt)
        if options is not None and any(extra is not None for extra in options[5:]):
            step.take_extras(*options[5:], awaits=awaits)
        return step

    def take_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> None:
        """Set the arguments from `args` and `kwargs` of `Chain.next`.

        Raises:
            TypeError: `args` is not a list, or `kwargs` is not a dict with names as keys.
            ValueError: a reference is invalid.
        """
        if not isinstance(args, list | tuple):
            raise TypeError(f"args must be a list, as in args=['raw'], not {args!r}")
        self.args = operands = tuple([operand("args", each) for each in args])
        self.references = tuple([("args", each) for each in operands if type(each) is tuple])
        if kwargs is not None:
            self._take_kwargs(kwargs)

    def _take_kwargs(self, kwargs: Mapping[str, Any]) -> None:
        if not isinstance(kwargs, Mapping) or not all(isinstance(each, str) for each in kwargs):
            raise TypeError(
                f"kwargs must be a dict, as in kwargs={{'rows': 'raw'}}, not {kwargs!r}"
            )
        self.has_inputs = True
        self.kwargs = operands = {name: operand("kwargs", kwargs[name]) for name in kwargs}
        paths = [("kwargs", each) for each in operands.values() if isinstance(each, tuple)]
        self.references = (*self.references, *paths)

    def take_retries(
        self, count: int | None, retry_on: Any, backoff: float, max_backoff: float
    ) -> None:
        """Set the retry policy from the arguments of `Chain.next`.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: an argument has an invalid value or no effect, or a generator function has
                retries.
        """
        if isinstance(count, bool) or not isinstance(count, int | None):
            raise TypeError(f"retries must be an int, not {count!r}")
        if count is not None and count < 0:
            raise ValueError(f"retries must be 0 or more, not {count}")
        if count and self.kind is GENERATOR:
            raise ValueError(
                f"{own_name(self.function)!r} is a generator function, so retries would have no "
                f"effect: its body runs later, when it is iterated over; return a list, or retry "
                f"inside the function"
            )
        self.retries = Retries(
            count or 0,
            retry_on,
            arguments.seconds("backoff", backoff),
            arguments.seconds("max_backoff", max_backoff),
        )
        given = (retry_on, backoff, max_backoff)
        if count is None and given != RETRY_DEFAULTS:
            options = zip(
                ("retry_on", "backoff", "max_backoff"), given, RETRY_DEFAULTS, strict=True
            )
            useless = next(name for name, value, default in options if value != default)
            raise ValueError(f"{useless} has no effect without retries; add retries=3, for example")

    def take_template(self, log_fmt: str) -> None:
        """Set the template from `log_fmt` of `Chain.next`.

        Raises:
            TypeError: it is not a string.
            ValueError: a token is invalid.
        """
        self.template = template_of(log_fmt)
        referring = [path for path in self.template.paths if path[0] != "result"]
        self.references = (*self.references, *(("log_fmt", path) for path in referring))

    def take_extras(
        self,
        when: Any,
        timeout: float | None,
        log: Any,
        validate: Any,
        undo: Any,
        *,
        awaits: bool,
    ) -> None:
        """Set the remaining options from the arguments of `Chain.next`.

        Raises:
            TypeError: one of them has the wrong type, or is a coroutine function in a `Chain`.
            ValueError: a reference is invalid, or the timeout is 0 or could not be enforced.
        """
        self.is_plain = False
        if when is not None:
            self._take_when(when, awaits=awaits)
        self.log = arguments.function("log", log, awaits=awaits)
        self.validate = arguments.function("validate", validate, awaits=awaits)
        self.undo = arguments.function("undo", undo, awaits=awaits)
        if timeout is not None:
            self._take_timeout(timeout, awaits=awaits)

    def _take_when(self, when: Any, *, awaits: bool) -> None:
        if isinstance(when, str | Reference):
            self.when = when.parts if isinstance(when, Reference) else split(when, "when")
            self.references = (*self.references, ("when", self.when))
        elif callable(when):
            self.when = arguments.function("when", when, awaits=awaits)
        else:
            raise TypeError(
                f"when must be a reference such as 'order.is_new', or a function of the context, "
                f"not {when!r}"
            )

    def _take_timeout(self, timeout: float, *, awaits: bool) -> None:
        if not awaits:
            raise ValueError(
                "a Chain takes no timeout=, since a running sync function cannot be interrupted; "
                "use AsyncChain, or give the function a timeout of its own, or the chain a "
                "deadline="
            )
        if arguments.seconds("timeout", timeout) == 0:
            raise ValueError("timeout must be a number of seconds above 0, not 0")
        self.timeout = timeout

    def take_chain(self, inner: Definition, name: str) -> None:
        """Make this a step that runs the nested chain `inner`, called `name`.

        Raises:
            TypeError: there are positional arguments.
        """
        if self.args:
            raise TypeError("a chain takes its inputs by name, as in kwargs={'order': 'order'}")
        self.function = dict
        self.inner, self.inner_name = inner, name
        self.is_plain = False

    @property
    def preferred_name(self) -> str:
        """The name that the step gets if it is free."""
        return self.given_name or self.out or self.inner_name or own_name(self.function)

    # --- placed -----------------------------------------------------------------------------------

    def copy(self) -> Step:
        """Return a copy, to place in another plan."""
        copied = Step.__new__(Step)
        copied.__dict__.update(self.__dict__)
        return copied

    def place(self, info: StepInfo, *, strict: bool, plan: Plan | None = None) -> None:
        """Compile the step for its place in a plan; doing so again for the same place is harmless.

        Args:
            info: its declaration there.
            strict: whether an unresolved reference raises.
            plan: the plan of `inner`, if that is set.
        """
        target = self.function
        if plan is not None:
            self.plan, self.emits = plan, False
        elif self.kind is GENERATOR and _has_code(target):
            target, self.emits = wrap_step(target, info), False
        self.name, self.info, self.target = info.name, info, target
        self.key = _only_key(self, strict)
        self.bind = binding(self.args, self.kwargs, info.name, strict=strict)
        self.call = self.bind(target)
        when = self.when
        if when is not None:
            self.condition = getter(when, info.name, strict) if isinstance(when, tuple) else when

    @property
    def outs(self) -> tuple[str, ...]:
        """The keys of the context that the step writes."""
        if self.out is not None:
            return (self.out,)
        return () if self.plan is None else self.plan.outs

    def covered(self) -> tuple[Step, ...]:
        """Return the step, and the steps of its nested chain."""
        return (self,) if self.plan is None else (self, *self.plan.all_steps())


class StepName(str):
    """A step's name, as passed to hooks.

    Attributes:
        info: the step's declaration: its flow, description, file and line.
    """

    __slots__ = ("info",)

    info: StepInfo

    @classmethod
    def of(cls, step: Step) -> StepName:
        """Return the name of `step`."""
        name = cls(step.name)
        name.info = step.info
        return name

    @property
    def name(self) -> str:
        """The name as a plain `str`."""
        return str(self)


def make_info(step: Step, name: str, flow: str, after: tuple[str, ...]) -> StepInfo:
    """Return a step's declaration for backends and graphs; the first step is the entrypoint."""
    file, line = location_of(step.function)
    return StepInfo(
        name, flow, after, "chain", not after, description_of(step.function), file, line
    )


def _only_key(step: Step, strict: bool) -> str | None:
    if strict or step.kwargs or len(step.args) != 1:
        return None
    (operand,) = step.args
    return operand[0] if isinstance(operand, tuple) and len(operand) == 1 else None


def _has_code(function: Any) -> bool:
    # An object with a generator function as its __call__ cannot be wrapped as one.
    return hasattr(without_partials(function), "__code__")
