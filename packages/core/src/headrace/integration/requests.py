"""Requests of frameworks that the ASGI and WSGI middleware do not cover, such as Django.

For headrace's own packages: names may change in a minor version.
"""

from __future__ import annotations

from headrace._http.nesting import (
    ENVIRON_KEY,
    SCOPE_KEY,
    Excluded,
    Joined,
    decision_of_request,
    is_lost,
    use_protocol,
)
from headrace._http.requests import begin_request, name_for_inner_route
from headrace._http.responses import put_in_mapping
from headrace._http.rules import RequestHeader, environ_key

__all__ = [
    "ENVIRON_KEY",
    "SCOPE_KEY",
    "Excluded",
    "Joined",
    "RequestHeader",
    "begin_request",
    "decision_of_request",
    "environ_key",
    "is_lost",
    "name_for_inner_route",
    "put_in_mapping",
    "use_protocol",
]
