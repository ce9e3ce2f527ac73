"""A step in its place, compiled: all that can be done before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace._callables import description_of, place_of, without_partials
from headrace._flows.wrap import wrap_step
from headrace._step_info import StepInfo

from .kinds import GENERATOR
from .references import Literal, getter

if TYPE_CHECKING:
    from .plan import Plan
    from .references import Getter
    from .result import ChainResult
    from .spec import Operand, Spec


class Step:
    """A step in its place.

    Attributes:
        spec: as the user has defined it.
        name: its name, which no other step of the chain has.
        info: what backends and the context say of it.
        out: the key under which the result is put into the context, or None.
        function: what is called.
        call: calls the function with its arguments out of a context.
        key: where the function's only argument is the value under one key, that key: the call is
            then ``function(context.get(key))``.
        when: tells from the context whether the step is wanted, or None.
        emits: whether the chain reports the step; a generator reports itself, for as long as it is
            iterated over.
    """

    __slots__ = ("call", "emits", "function", "info", "key", "name", "out", "spec", "when")

    def __init__(self, spec: Spec, info: StepInfo, *, strict: bool) -> None:
        self.spec = spec
        self.info = info
        self.name = info.name
        self.out = spec.out
        self.emits = spec.kind is not GENERATOR or not _has_code(spec.function)
        self.function = spec.function if self.emits else wrap_step(spec.function, info)
        self.key = _only_key(spec, strict)
        self.call = _compiled_call(self.function, spec, info.name, strict)
        when = spec.when
        self.when = getter(when, info.name, strict) if isinstance(when, tuple) else when

    @property
    def plan(self) -> Plan | None:
        """The nested chain, or None for a function."""
        return None

    def covered(self) -> tuple[Step, ...]:
        """Return the step, and the steps of its nested chain."""
        return (self,) if self.plan is None else (self, *self.plan.all_steps())


class ChainStep(Step):
    """A chain as a step of another one; reports show its own steps."""

    __slots__ = ("_plan",)

    def __init__(self, spec: Spec, info: StepInfo, plan: Plan, *, strict: bool) -> None:
        super().__init__(spec, info, strict=strict)
        self._plan = plan
        self.emits = False

    @property
    def plan(self) -> Plan:
        """The nested chain, compiled for its place."""
        return self._plan


class StepName(str):
    """A step's name as hooks get it.

    Attributes:
        info: what else is known of the step: its flow, description, file and line.
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


def make_info(spec: Spec, name: str, flow: str, after: tuple[str, ...]) -> StepInfo:
    """Return what backends and the context say of a step; the first is the entrypoint."""
    file, line = place_of(spec.function)
    return StepInfo(
        name, flow, after, "chain", not after, description_of(spec.function), file, line
    )


def _only_key(spec: Spec, strict: bool) -> str | None:
    if strict or spec.kwargs or len(spec.args) != 1:
        return None
    (operand,) = spec.args
    return operand[0] if isinstance(operand, tuple) and len(operand) == 1 else None


def _compiled_call(
    function: Callable[..., Any], spec: Spec, step: str, strict: bool
) -> Callable[[ChainResult], Any]:
    getters = [_operand_getter(each, step, strict) for each in spec.args]
    if spec.kwargs:
        return _call_with_names(function, getters, spec.kwargs, step, strict)
    if not getters:
        return lambda context: function()
    if len(getters) == 1:
        (get,) = getters
        return lambda context: function(get(context))
    return lambda context: function(*[get(context) for get in getters])


def _call_with_names(
    function: Callable[..., Any],
    getters: Sequence[Getter],
    named: Mapping[str, Operand],
    step: str,
    strict: bool,
) -> Callable[[ChainResult], Any]:
    pairs = [(name, _operand_getter(each, step, strict)) for name, each in named.items()]
    return lambda context: function(
        *[get(context) for get in getters], **{name: get(context) for name, get in pairs}
    )


def _operand_getter(operand: Operand, step: str, strict: bool) -> Getter:
    if isinstance(operand, Literal):
        value = operand.value
        return lambda context: value
    return getter(operand, step, strict)


def _has_code(function: Any) -> bool:
    # An object whose __call__ is a generator function cannot be wrapped as one.
    return hasattr(without_partials(function), "__code__")
