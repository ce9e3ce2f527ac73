"""Building blocks for the framework packages and for your own integrations.

An integration translates a framework's events and decides nothing: `HttpPolicy` decides which
context a request gets, `Unit` and `ResumableUnit` begin and end a unit of work, and none of them
does I/O. `read_settings` reads a framework's settings, which have the same names everywhere.
For a queue, `write_headers` and `Publication` publish a message, and `begin_run` and `end_run`
enclose a run.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace._configure import check_configuration
from headrace._context.attachments import add_facts
from headrace._context.marks import mark, marked_id
from headrace._context.opening import nested_context, transport_context
from headrace._context.resumable import ResumableUnit
from headrace._context.units import Unit, as_current
from headrace._exceptions.control_flow import (
    is_control_flow,
    register_control_flow,
    register_interrupt,
)
from headrace._exceptions.masked import without_secrets
from headrace._flows.decorators import declare_task
from headrace._flows.discovery import register_discovery
from headrace._flows.undecorated import Registration, report_undecorated
from headrace._http.options import HttpKeywords, HttpOptions, http_options
from headrace._http.requests import RequestUnit, record_error
from headrace._http.responses import REFUSAL, REFUSAL_STATUS, REFUSAL_TYPE, REFUSED_KEY
from headrace._http.rules import HttpPolicy
from headrace._logger import GuardedLogger
from headrace._messages.hints import checks_keywords
from headrace._messages.text import plain_text
from headrace._observation.otel.semantics import error_type
from headrace._observation.publication import Publication
from headrace._process import clock
from headrace._propagation.messages import begin_run, end_run, write_headers
from headrace._state import units_are_watched

from .settings import read_settings

if TYPE_CHECKING:  # names that have moved, as in `_MOVED`
    from headrace._context.attachments import facts_of as facts_of
    from headrace._context.remote import RemoteContext as RemoteContext
    from headrace._flows.report import flow_lines as flow_lines
    from headrace._flows.report import flow_problems as flow_problems

    from .messages import accepted_metadata as accepted_metadata
    from .messages import await_span as await_span
    from .messages import inject_trace as inject_trace
    from .messages import is_detached as is_detached
    from .messages import is_valid_id as is_valid_id
    from .messages import make_id as make_id
    from .messages import propagated_metadata as propagated_metadata
    from .messages import remove_trace as remove_trace
    from .messages import valid_id as valid_id
    from .requests import ENVIRON_KEY as ENVIRON_KEY
    from .requests import SCOPE_KEY as SCOPE_KEY
    from .requests import Excluded as Excluded
    from .requests import Joined as Joined
    from .requests import RequestHeader as RequestHeader
    from .requests import decision_of_request as decision_of_request
    from .requests import environ_key as environ_key
    from .requests import is_lost as is_lost
    from .requests import name_for_inner_route as name_for_inner_route
    from .requests import put_in_mapping as put_in_mapping
    from .requests import use_protocol as use_protocol
    from .settings import CONFIGURE_OPTIONS as CONFIGURE_OPTIONS
    from .settings import HTTP_OPTIONS as HTTP_OPTIONS
    from .settings import amend as amend
    from .settings import factory_fault as factory_fault
    from .settings import name_hint as name_hint
    from .settings import nearest_name as nearest_name

__all__ = [
    "REFUSAL",
    "REFUSAL_STATUS",
    "REFUSAL_TYPE",
    "REFUSED_KEY",
    "GuardedLogger",
    "HttpKeywords",
    "HttpOptions",
    "HttpPolicy",
    "Publication",
    "Registration",
    "RequestUnit",
    "ResumableUnit",
    "Unit",
    "add_facts",
    "as_current",
    "begin_run",
    "check_configuration",
    "checks_keywords",
    "clock",
    "declare_task",
    "end_run",
    "error_type",
    "http_options",
    "is_control_flow",
    "mark",
    "marked_id",
    "nested_context",
    "plain_text",
    "read_settings",
    "record_error",
    "register_control_flow",
    "register_discovery",
    "register_interrupt",
    "report_undecorated",
    "transport_context",
    "units_are_watched",
    "without_secrets",
    "write_headers",
]

_MOVED = {
    "headrace": ("RemoteContext",),
    "headrace.backends": ("facts_of",),
    "headrace.commands": ("flow_lines", "flow_problems"),
    "headrace.integration.messages": (
        *("accepted_metadata", "await_span", "inject_trace", "is_detached", "is_valid_id"),
        *("make_id", "propagated_metadata", "remove_trace", "valid_id"),
    ),
    "headrace.integration.requests": (
        *("ENVIRON_KEY", "SCOPE_KEY", "Excluded", "Joined", "RequestHeader", "decision_of_request"),
        *("environ_key", "is_lost", "name_for_inner_route", "put_in_mapping", "use_protocol"),
    ),
    "headrace.integration.settings": (
        "CONFIGURE_OPTIONS",
        "HTTP_OPTIONS",
        "amend",
        "factory_fault",
        "name_hint",
        "nearest_name",
    ),
}
_homes = {name: module for module, names in _MOVED.items() for name in names}


def _moved(name: str) -> Any:
    if name not in _homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"headrace.integration.{name} is deprecated; import it from {_homes[name]}",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(import_module(_homes[name]), name)


# Not a `def`, since type checkers would then accept any name.
globals()["__getattr__"] = _moved
