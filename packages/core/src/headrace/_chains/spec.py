"""A step as the user has defined it: checked, and parsed as far as that is possible."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace._callables import own_name

from . import arguments
from .kinds import GENERATOR
from .references import Literal, Reference, split
from .retries import NO_RETRIES, Retries
from .templates import Template

if TYPE_CHECKING:
    from .placing import Draft
    from .result import ChainResult

    Operand = tuple[str, ...] | Literal
    Want = tuple[str, tuple[str, ...]]


class Spec:
    """A step as the user has defined it.

    Attributes:
        function: what is called.
        kind: what a call of it gives; see `kind_of`.
        name: the name that was given, or None.
        out: the key under which the result is put into the context, or None.
        args: the positional arguments: dotted paths, split, or literals.
        kwargs: the keyword arguments, likewise.
        wants: what it refers to: the argument's name and the path, each as a pair.
        retries: when it is tried again.
        timeout: how long an attempt may take, in seconds, or None.
        template: the line to log, or None.
        log: what logs, or None.
        validate: what accepts or rejects the result, or None.
        when: a path or a predicate that tells whether the step is wanted, or None.
        undo: what undoes it, or None.
        overwrite: whether `out` may have been given before.
        chain: the chain to run, for the kind `CHAIN`; `function` then makes its inputs.
        chain_name: its name.
        has_inputs: whether the chain gets inputs instead of the values of the context.
        is_plain: whether it is nothing but a call, which may be retried and logged.
    """

    # Most steps are given little of all this, and what is not given costs nothing.
    name: str | None = None
    out: str | None = None
    args: tuple[Operand, ...] = ()
    kwargs: Mapping[str, Operand] = {}
    wants: tuple[Want, ...] = ()
    retries: Retries = NO_RETRIES
    timeout: float | None = None
    template: Template | None = None
    log: Callable[[ChainResult, Any], Any] | None = None
    validate: Callable[[Any], Any] | None = None
    when: tuple[str, ...] | Callable[[ChainResult], Any] | None = None
    undo: Callable[[Any], Any] | None = None
    overwrite: bool = False
    chain: Draft | None = None
    chain_name: str | None = None
    has_inputs: bool = False
    is_plain: bool = True

    def __init__(self, function: Any, kind: str) -> None:
        self.function = function
        self.kind = kind

    def take_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> None:
        """Take `args` and `kwargs` as `Chain.next` got them.

        Raises:
            TypeError: they are no list and no dict with names as keys.
            ValueError: a reference that cannot be.
        """
        if not isinstance(args, list | tuple):
            raise TypeError(f"args is a list, as in args=['raw'], not {args!r}")
        self.args = operands = tuple([_operand("args", each) for each in args])
        self.wants = tuple([("args", each) for each in operands if type(each) is tuple])
        if kwargs is not None:
            self._take_kwargs(kwargs)

    def _take_kwargs(self, kwargs: Mapping[str, Any]) -> None:
        if not isinstance(kwargs, Mapping) or not all(isinstance(each, str) for each in kwargs):
            raise TypeError(f"kwargs is a dict, as in kwargs={{'rows': 'raw'}}, not {kwargs!r}")
        self.has_inputs = True
        self.kwargs = operands = {name: _operand("kwargs", kwargs[name]) for name in kwargs}
        wants = [("kwargs", each) for each in operands.values() if isinstance(each, tuple)]
        self.wants = (*self.wants, *wants)

    def take_retries(self, count: int, retry_on: Any, backoff: float, max_backoff: float) -> None:
        """Take the retry policy as `Chain.next` got it.

        Raises:
            TypeError: an argument of a wrong type.
            ValueError: an argument with an impossible value, or retries of a generator.
        """
        if isinstance(count, bool) or not isinstance(count, int):
            raise TypeError(f"retries is a number of times, not {count!r}")
        if count < 0:
            raise ValueError(f"retries is a number of times from 0, not {count}")
        if count and self.kind is GENERATOR:
            raise ValueError(
                f"{own_name(self.function)!r} is a generator function: a retry around its call "
                f"would retry nothing, since its body runs later, where it is iterated over; "
                f"return a list, or retry inside"
            )
        self.retries = Retries(
            count,
            retry_on,
            arguments.seconds("backoff", backoff),
            arguments.seconds("max_backoff", max_backoff),
        )

    def take_when(self, when: Any, *, awaits: bool) -> None:
        """Take `when` as `Chain.next` got it: a reference, or a predicate of the context.

        Raises:
            TypeError: it is neither.
            ValueError: a reference that cannot be.
        """
        self.is_plain = False
        if isinstance(when, str | Reference):
            self.when = when.parts if isinstance(when, Reference) else split(when, "when")
            self.wants = (*self.wants, ("when", self.when))
        elif callable(when):
            self.when = arguments.function("when", when, awaits=awaits)
        else:
            raise TypeError(
                f"when is a reference such as 'order.is_new', or a function of the context, not "
                f"{when!r}"
            )

    def take_template(self, log_fmt: str) -> None:
        """Take `log_fmt` as `Chain.next` got it.

        Raises:
            TypeError: it is no string.
            ValueError: it has a broken token.
        """
        self.template = Template(log_fmt)
        referring = [path for path in self.template.paths if path[0] != "result"]
        self.wants = (*self.wants, *(("log_fmt", path) for path in referring))

    def take_callbacks(self, log: Any, validate: Any, undo: Any, *, awaits: bool) -> None:
        """Take `log`, `validate` and `undo` as `Chain.next` got them.

        Raises:
            TypeError: one of them is no function, or one that nobody would await.
        """
        self.is_plain = False
        self.log = arguments.function("log", log, awaits=awaits)
        self.validate = arguments.function("validate", validate, awaits=awaits)
        self.undo = arguments.function("undo", undo, awaits=awaits)

    def take_timeout(self, timeout: float, *, awaits: bool) -> None:
        """Take `timeout` as `Chain.next` got it.

        Raises:
            TypeError: it is no number.
            ValueError: it is not above 0, or nothing could heed it.
        """
        if not awaits:
            raise ValueError(
                "timeout= has no meaning in a Chain: a running sync function cannot be "
                "interrupted; use AsyncChain, give the function a timeout of its own, or the "
                "chain a deadline="
            )
        if arguments.seconds("timeout", timeout) == 0:
            raise ValueError("timeout is a number of seconds above 0; in 0 s nothing is done")
        self.is_plain = False
        self.timeout = timeout


class Names:
    """The names of the steps of a chain.

    Args:
        taken: the existing names.
    """

    __slots__ = ("_numbers", "taken")

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.taken: set[str] = set(taken)
        # The last number given to each name, so that naming a thousand steps of one function does
        # not search from 2 for each.
        self._numbers: dict[str, int] = {}

    def copy(self) -> Names:
        """Return an independent copy."""
        copied = Names(self.taken)
        copied._numbers = self._numbers.copy()
        return copied

    def numbered(self, name: str) -> str:
        """Return `name` with the first free number from 2."""
        number = self._numbers.get(name, 1) + 1
        while f"{name}_{number}" in self.taken:
            number += 1
        self._numbers[name] = number
        return f"{name}_{number}"


def free_name(spec: Spec, taken: Names, *, numbers: bool = False) -> str:
    """Return the name of a new step: its own, with a number where that is taken.

    Args:
        spec: the step.
        taken: the names of the other steps.
        numbers: whether a name set with ``name=`` may get a number too.

    Raises:
        ValueError: the taken name was given with ``name=``.
    """
    wish = spec.name or spec.out or spec.chain_name or own_name(spec.function)
    if wish not in taken.taken:
        return wish
    if spec.name is not None and not numbers:
        raise ValueError(f"the chain has two steps named {wish!r}; rename one")
    return taken.numbered(wish)


def _operand(where: str, value: Any) -> Operand:
    if isinstance(value, str):
        return split(value, where)
    if isinstance(value, Reference):
        return value.parts
    return value if isinstance(value, Literal) else Literal(value)
