"""The protocol of backends, and a base class for backends that work with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from headrace._context.model import current_flow_id

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo


@runtime_checkable
class Backend(Protocol):
    """The required method of a backend. Two more methods are optional.

    ``unit(context)`` returns a context manager that is entered around each unit of work, even one
    without steps; ``enabled()`` returns a bool, and False lets the core skip the backend cheaply.

    ``__exit__`` receives the exception of a step or unit; its return value is ignored. If the
    backend itself raises an `Exception`, the first one is logged to the logger ``headrace``, and
    the call continues. Anything else, such as a `KeyboardInterrupt`, propagates.
    """

    def span(self, step: StepInfo, context: FlowContext) -> AbstractContextManager[Any]:
        """Return a context manager that is entered around the call of `step`, once.

        Args:
            step: the declaration of the step.
            context: the unit of work. Its `flow` and `step` are the current ones when read, so a
                backend that queues its work must take the names from `step`.
        """
        ...


class TracingBackend:
    """A base class for backends that work with names: override `span`.

    A subclass may add `unit(context)` and `enabled()`, as described in `Backend`.
    """

    def span(self, step_name: str, flow_name: str, **attrs: Any) -> AbstractContextManager[Any]:
        """Return a context manager that is entered around the call of the step, once.

        Args:
            step_name: the name of the step.
            flow_name: the name of the flow.
            attrs: the other fields of `StepInfo`: `after`, `kind`, `is_entrypoint`,
                `description`, `file` and `line`; later versions may add to them.
        """
        raise NotImplementedError(
            "a TracingBackend must define span(step_name, flow_name, **attrs)"
        )

    def get_correlation_id(self) -> str | None:
        """Return the correlation ID of the current unit of work, or None."""
        return current_flow_id()
