"""Metadata in messages: the keys of ``configure(propagate_metadata=...)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace import _state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace._context.model import FlowContext


def propagated_metadata(context: FlowContext) -> dict[str, Any]:
    """Return the metadata of `context` that messages carry to other processes.

    ``configure(propagate_metadata=...)`` names the keys.
    """
    return accepted_metadata(context.metadata) if _state.settings.propagate_metadata else {}


def accepted_metadata(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those `values` whose keys ``configure(propagate_metadata=...)`` names.

    Args:
        values: the metadata of a message from another process.
    """
    keys = _state.settings.propagate_metadata
    return {key: values[key] for key in keys if key in values}
