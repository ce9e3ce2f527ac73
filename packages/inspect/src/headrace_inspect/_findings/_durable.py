"""What the unfinished runs of a durable chain depend on, for HR307."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace_inspect._evaluate._values import (
    ClassValue,
    Constant,
    External,
    Items,
    Object,
    Table,
    Value,
)
from headrace_inspect._models._headrace import Chain, ChainFacts

_OF_CHAINS = ("strict", "deadline", "deadline_fn", "jitter")
_OF_STEPS = (
    *("out", "args", "kwargs", "retries", "retry_on", "backoff", "max_backoff", "timeout"),
    *("when", "validate", "undo", "overwrite"),
)
_DEFAULTS = frozenset([
    *("=0", "=False", "=None", "=[]", "={}", "backoff=1.5", "max_backoff=10.0", "jitter=True"),
])


def definition_of(chain: ChainFacts) -> Iterator[str]:
    """Describe what the records of a run depend on, a line for each step."""
    puts = f" put={','.join(chain.puts)}" if chain.puts else ""
    yield f"chain{_options(chain.options, _OF_CHAINS)}{puts}"
    for step in chain.steps:
        inner = [one.facts for one in (step.callee, *step.branches) if isinstance(one, Chain)]
        name = step.name or (inner[0].flow if inner else None) or "?"
        options = _options(step.options, _OF_STEPS)
        yield "parallel" if step.branches else f"step {name}{options}"
        for one in inner:
            yield from [f"  {line}" for line in definition_of(one)]


def _options(options: dict[str, Value], names: Sequence[str]) -> str:
    texts = [(name, f"={_text(options[name])}") for name in names if name in options]
    return "".join([
        f" {name}{text}" for name, text in texts if not {text, f"{name}{text}"} & _DEFAULTS
    ])


def _text(value: Value) -> str:
    """Return a value in words; for functions and computed values, only that they exist."""
    match value:
        case Constant(value=constant):
            return repr(constant)
        case ClassValue(cls=cls):
            return cls.name
        case External(name=name):
            return name
        case Items(values=values):
            return f"[{', '.join(map(_text, values))}]"
        case Table(entries=entries):
            return f"{{{', '.join([f'{key}: {_text(one)}' for key, one in entries])}}}"
        case Object(made_by=made_by, arguments=arguments):
            return f"{made_by}({', '.join(map(_text, arguments))})"
    return "..."
