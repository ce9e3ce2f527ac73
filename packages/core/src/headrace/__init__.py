"""headrace: one correlation ID from browser to worker, flows declared in code, chains."""

from ._process import safe_path  # noqa: F401 - before all other imports, __future__ included

# isort: split

from typing import TYPE_CHECKING

from ._observation.dispatch import initial_dispatcher, install
from ._process.late_imports import late_imports

if TYPE_CHECKING:
    from ._chains.async_chain import AsyncChain
    from ._chains.chain import Chain
    from ._chains.errors import (
        ChainError,
        DeadlineExceededError,
        StepFailedError,
        UnresolvedReferenceError,
        ValidationFailedError,
    )
    from ._chains.references import literal, ref
    from ._chains.result import ChainResult
    from ._configure import configure
    from ._context.deadlines import deadline, remaining
    from ._context.detached import detached
    from ._context.model import (
        FlowContext,
        current_flow_id,
        get_flow_context,
        get_flow_context_value,
        set_flow_context_value,
    )
    from ._context.opening import open_context
    from ._context.remote import RemoteContext
    from ._context.step_keys import current_step_key
    from ._context.threads import ContextExecutor, bind
    from ._errors import DuplicateStepError, HeadraceError, OutsideFlowError, UnknownFlowError
    from ._flows.decorators import entrypoint, step
    from ._flows.draw import generate_dag
    from ._flows.flow import Flow, flow
    from ._flows.graph import FlowGraph
    from ._flows.registry import all_flows, get_flow
    from ._flows.validation import GraphProblem
    from ._propagation.carriers import extract, inject
    from ._step_info import StepInfo

__all__ = [
    "AsyncChain",
    "Chain",
    "ChainError",
    "ChainResult",
    "ContextExecutor",
    "DeadlineExceededError",
    "DuplicateStepError",
    "Flow",
    "FlowContext",
    "FlowGraph",
    "GraphProblem",
    "HeadraceError",
    "OutsideFlowError",
    "RemoteContext",
    "StepFailedError",
    "StepInfo",
    "UnknownFlowError",
    "UnresolvedReferenceError",
    "ValidationFailedError",
    "all_flows",
    "bind",
    "configure",
    "current_flow_id",
    "current_step_key",
    "deadline",
    "detached",
    "entrypoint",
    "extract",
    "flow",
    "generate_dag",
    "get_flow",
    "get_flow_context",
    "get_flow_context_value",
    "inject",
    "literal",
    "open_context",
    "ref",
    "remaining",
    "set_flow_context_value",
    "step",
]

# Imported when first used, so that a program pays only for what it uses.
_MODULES = {
    "AsyncChain": "_chains.async_chain",
    "Chain": "_chains.chain",
    "ChainError": "_chains.errors",
    "ChainResult": "_chains.result",
    "ContextExecutor": "_context.threads",
    "DeadlineExceededError": "_chains.errors",
    "DuplicateStepError": "_errors",
    "Flow": "_flows.flow",
    "FlowContext": "_context.model",
    "FlowGraph": "_flows.graph",
    "GraphProblem": "_flows.validation",
    "HeadraceError": "_errors",
    "OutsideFlowError": "_errors",
    "RemoteContext": "_context.remote",
    "StepFailedError": "_chains.errors",
    "StepInfo": "_step_info",
    "UnknownFlowError": "_errors",
    "UnresolvedReferenceError": "_chains.errors",
    "ValidationFailedError": "_chains.errors",
    "all_flows": "_flows.registry",
    "bind": "_context.threads",
    "configure": "_configure",
    "current_flow_id": "_context.model",
    "current_step_key": "_context.step_keys",
    "deadline": "_context.deadlines",
    "detached": "_context.detached",
    "entrypoint": "_flows.decorators",
    "extract": "_propagation.carriers",
    "flow": "_flows.flow",
    "generate_dag": "_flows.draw",
    "get_flow": "_flows.registry",
    "get_flow_context": "_context.model",
    "get_flow_context_value": "_context.model",
    "inject": "_propagation.carriers",
    "literal": "_chains.references",
    "open_context": "_context.opening",
    "ref": "_chains.references",
    "remaining": "_context.deadlines",
    "set_flow_context_value": "_context.model",
    "step": "_flows.decorators",
}

install(initial_dispatcher())  # until `configure` is called


globals()["__getattr__"] = late_imports(
    __name__, {name: f"headrace.{module}" for name, module in _MODULES.items()}
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
