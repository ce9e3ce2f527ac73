"""Building blocks of the framework packages and of your own integrations.

An integration translates a framework's events and decides nothing: `HttpPolicy` decides which
context a request gets, `Unit` and `ResumableUnit` begin and end a unit of work, and none of them
does I/O. `read_settings` reads a framework's settings under the same names everywhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from . import _state
from ._callables import own_name
from ._configure import amend, check_configuration, configure
from ._context.attachments import add_facts, facts_of
from ._context.detached import is_detached
from ._context.marks import mark, marked_id
from ._context.model import FlowContext
from ._context.opening import factory_fault, make_id, nested_context, transport_context
from ._context.remote import RemoteContext
from ._context.resumable import ResumableUnit
from ._context.spans import await_span
from ._context.units import Unit, as_current
from ._exceptions.control_flow import is_control_flow, register_control_flow
from ._exceptions.masked import without_secrets
from ._flows.decorators import declare_step
from ._flows.discovery import register_discovery
from ._flows.report import flow_lines, flow_problems
from ._flows.undecorated import Registration, report_undecorated
from ._http.nesting import (
    ENVIRON_KEY,
    SCOPE_KEY,
    Excluded,
    Joined,
    decision_of_request,
    is_lost,
    use_protocol,
)
from ._http.options import HTTP_OPTIONS, HttpKeywords, HttpOptions, http_options
from ._http.requests import RequestUnit, name_for_inner_route
from ._http.responses import REFUSAL, REFUSAL_STATUS, REFUSAL_TYPE, REFUSED_KEY, put_in_mapping
from ._http.rules import HttpPolicy, RequestHeader, environ_key
from ._ids import is_valid_id, valid_id
from ._logger import GuardedLogger
from ._messages.hints import checks_keywords, name_hint, nearest_name
from ._messages.text import plain_text
from ._observation.otel.semantics import error_type
from ._process import clock
from ._propagation.carriers import inject_trace, remove_trace
from ._state import units_are_watched

__all__ = [
    "CONFIGURE_OPTIONS",
    "ENVIRON_KEY",
    "HTTP_OPTIONS",
    "REFUSAL",
    "REFUSAL_STATUS",
    "REFUSAL_TYPE",
    "REFUSED_KEY",
    "SCOPE_KEY",
    "Excluded",
    "GuardedLogger",
    "HttpKeywords",
    "HttpOptions",
    "HttpPolicy",
    "Joined",
    "Registration",
    "RemoteContext",
    "RequestHeader",
    "RequestUnit",
    "ResumableUnit",
    "Unit",
    "accepted_metadata",
    "add_facts",
    "amend",
    "as_current",
    "await_span",
    "check_configuration",
    "checks_keywords",
    "clock",
    "decision_of_request",
    "declare_task",
    "environ_key",
    "error_type",
    "factory_fault",
    "facts_of",
    "flow_lines",
    "flow_problems",
    "http_options",
    "inject_trace",
    "is_control_flow",
    "is_detached",
    "is_lost",
    "is_valid_id",
    "make_id",
    "mark",
    "marked_id",
    "name_for_inner_route",
    "name_hint",
    "nearest_name",
    "nested_context",
    "plain_text",
    "propagated_metadata",
    "put_in_mapping",
    "read_settings",
    "register_control_flow",
    "register_discovery",
    "remove_trace",
    "report_undecorated",
    "transport_context",
    "units_are_watched",
    "use_protocol",
    "valid_id",
    "without_secrets",
]

CONFIGURE_OPTIONS = tuple(inspect.signature(configure).parameters)
"""The names of the arguments of `headrace.configure`."""


def propagated_metadata(context: FlowContext) -> dict[str, Any]:
    """Return the metadata of `context` that messages carry to other processes.

    These are the keys of ``configure(propagate_metadata=...)`` that the unit has.
    """
    return accepted_metadata(context.metadata) if _state.settings.propagate_metadata else {}


def accepted_metadata(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `values` that ``configure(propagate_metadata=...)`` names.

    Args:
        values: the metadata of a message from another process.
    """
    keys = _state.settings.propagate_metadata
    return {key: values[key] for key in keys if key in values}


def read_settings(
    settings: Mapping[str, Any], *, others: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Sort a framework's settings into the arguments of `configure`, of `HttpOptions`, and others.

    Args:
        settings: upper-case names, such as ``TRUST_INBOUND``, and their values.
        others: the upper-case names of the integration's own settings.

    Returns:
        Three dicts: the arguments of `configure`, those of `HttpOptions` (both by their lower-case
        names), and the others (by their own names).

    Raises:
        ValueError: an unknown name; the message suggests the nearest known one.
    """
    known = {name.upper(): name for name in (*CONFIGURE_OPTIONS, *HTTP_OPTIONS)}
    for key in settings:
        if key not in known and key not in others:
            hint = name_hint(key, sorted([*known, *others]))
            raise ValueError(f"unknown setting {key!r}; {hint}")
    lower = {known[key]: value for key, value in settings.items() if key in known}
    return (
        {name: value for name, value in lower.items() if name in CONFIGURE_OPTIONS},
        {name: value for name, value in lower.items() if name in HTTP_OPTIONS},
        {key: value for key, value in settings.items() if key in others},
    )


def declare_task(
    function: Callable[..., Any],
    flow: str,
    *,
    after: Any = (),
    name: str | None = None,
    description: str | None = None,
    entrypoint: bool = False,
    task_name: str | None = None,
) -> Callable[..., Any]:
    """Declare `function` as a step of kind ``task``, for a queue's task decorator.

    A direct call outside any unit of work opens a unit of kind ``task``.

    Args:
        function: the function that the task runs.
        flow: the name of the flow.
        after: the preceding steps, as for `headrace.step`.
        name: the name of the step; that of the function by default.
        description: what the step does; the first line of the docstring by default.
        entrypoint: whether the step is an entrypoint of the flow.
        task_name: the name of the unit that a direct call opens; that of the step by default.

    Raises:
        DuplicateStepError: another function has this step name in the flow.
        TypeError: an argument of a wrong type.
    """
    options = {
        "after": after,
        "name": name,
        "description": description,
        "is_entrypoint": entrypoint,
        "kind": "task",
        "task": task_name or name or own_name(function),
    }
    return declare_step(function, flow, options)
