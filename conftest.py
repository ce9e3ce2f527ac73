"""Runs the Python examples of README.md and of docs/ as tests.

The examples of one document share a namespace and run in order; `<!-- skip: next -->` leaves one
out.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

_SAVED = "_saved_logging"
_NEW = {
    "level": logging.NOTSET,
    "propagate": True,
    "disabled": False,
    "handlers": [],
    "filters": [],
}


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]


def _state(logger: logging.Logger) -> dict[str, Any]:
    state = {name: getattr(logger, name) for name in _NEW}
    return {name: [*value] if isinstance(value, list) else value for name, value in state.items()}


def _begin(namespace: dict[str, Any]) -> None:
    factory = logging.getLogRecordFactory()
    namespace[_SAVED] = factory, {logger: _state(logger) for logger in _loggers()}


def _end(namespace: dict[str, Any]) -> None:
    """Give back logging and configuration as they were; a context left behind is an error."""
    import headrace

    factory, states = namespace[_SAVED]
    logging.setLogRecordFactory(factory)
    for logger in _loggers():
        vars(logger).update(states.get(logger) or copy.deepcopy(_NEW))
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]  # cached isEnabledFor
    headrace.configure()
    if headrace.get_flow_context() is not None:
        msg = "an example of this document left a context behind"
        raise RuntimeError(msg)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    excludes=["docs/_build/*"],
    setup=_begin,
    teardown=_end,
).pytest()
