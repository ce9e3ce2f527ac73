"""Plans of chains whose calls were only recorded, since all of them are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .plan import SPECIAL, Plan, compiled
from .references import Literal
from .step import binding, operand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .definition import Definition
    from .plan import Row
    from .prefixes import Outline
    from .step import Bind, Call, Step


def plan_of(definition: Definition, flow: str) -> Plan:
    """Return the plan of a whole chain, and outline it for the next that makes the same calls.

    Args:
        definition: the chain.
        flow: the name of its flow, or ``""``.
    """
    prefix = definition.prefix
    if prefix is None or definition.settings.has_hooks:
        return compiled(definition, flow)
    # A signal may have come between the two.
    is_recorded = definition.is_recorded and len(definition.calls) == prefix.depth
    if is_recorded and prefix.outlines is not None:
        return RecordedPlan(definition, prefix.outlines, prefix.has_templates)
    plan = compiled(definition)
    prefix.has_templates, prefix.outlines = plan.has_templates, _outlines(plan)
    return plan


class RecordedPlan(Plan):
    """A plan that has rows without having steps; those are compiled when first needed.

    Args:
        definition: the chain.
        outlines: what is known of its steps.
        has_templates: whether there are lines to log.
    """

    __slots__ = ("_compiled", "_definition")

    def __init__(
        self, definition: Definition, outlines: tuple[Outline, ...], has_templates: bool
    ) -> None:
        self._definition = definition
        self._compiled: dict[str, Plan] = {}
        self.settings = settings = definition.settings
        self.values = definition.values.copy()
        self.has_deadline = settings.has_deadline
        self.has_hooks = False
        rows: list[Row] = []
        waiting = iter(outlines)
        for call in definition.calls:
            if type(call) is tuple:
                info, key, out, bind = next(waiting)
                if info is None:
                    rows.append(SPECIAL)
                elif key is not None:
                    rows.append((info, key, call[0], out))
                else:
                    bind = bind or _binding(call, info.name, settings.strict)
                    rows.append((info, None, bind(call[0]), out))
        self.silent_rows = tuple(rows)
        self.has_templates = has_templates
        if not has_templates:
            self.rows = self.silent_rows

    if not TYPE_CHECKING:  # a type checker would then accept every name

        def __getattr__(self, name: str) -> Any:
            """Return what only a compiled plan has."""
            if name not in Plan.__slots__:
                raise AttributeError(f"a plan has no {name!r}")
            # The first thread sets the plan for all, since steps are compared by identity.
            made = self._compiled
            plan = made.get("plan") or made.setdefault("plan", compiled(self._definition))
            return getattr(plan, name)


def _outlines(plan: Plan) -> tuple[Outline, ...]:
    outlines: list[Outline] = []
    # No branches: with these nothing is recorded.
    steps = cast("Sequence[Step]", plan.steps)
    for step, (info, key, _, out) in zip(steps, plan.silent_rows, strict=True):
        operands = (*step.args, *step.kwargs.values())
        has_literals = any(isinstance(each, Literal) for each in operands)
        is_wrapped = step.target is not step.function  # a generator function, for each chain anew
        bind = None if has_literals else step.bind
        outlines.append((None if is_wrapped else info, key, out, bind))
    return tuple(outlines)


def _binding(call: Call, step: str, strict: bool) -> Bind:
    """Return the binding of a step that has literals, which differ from chain to chain."""
    args, kwargs = call[2], call[3] or {}
    return binding(
        [operand("args", each) for each in args],
        {name: operand("kwargs", each) for name, each in kwargs.items()},
        step,
        strict=strict,
    )
