"""The registry of all declared flows, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._errors import UnknownFlowError
from headrace._messages.hints import did_you_mean

if TYPE_CHECKING:
    from .flow import Flow


declared: dict[str, Flow] = {}


def get_flow(name: str) -> Flow:
    """Return the flow `name`.

    Raises:
        UnknownFlowError: no flow has this name; the message lists the declared flows.
    """
    try:
        return declared[name]
    except KeyError:
        known = ", ".join(sorted(declared)) or "none"
        hint = did_you_mean(name, sorted(declared), f"declared: {known}.")
        raise UnknownFlowError(
            f"no flow named {name!r} is declared; {hint} Make sure that the module that declares "
            f"it is imported."
        ) from None


def all_flows() -> list[Flow]:
    """Return every declared flow, sorted by name."""
    return [declared[name] for name in sorted(declared)]
