"""Runs the Python examples of the READMEs and of docs/ as tests.

The examples of one document share a namespace and run in order, with no flow declared before them;
`<!-- skip: next -->` leaves one out. What a document does to logging and to the configuration of
headrace ends with it.
"""

from __future__ import annotations

import copy
import logging
import sys
import types
from typing import Any

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

_MODULE = "example"
_SAVED = "_saved"
_NEW_LOGGER = {
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
    state = {name: getattr(logger, name) for name in _NEW_LOGGER}
    return {name: [*value] if isinstance(value, list) else value for name, value in state.items()}


def _begin(namespace: dict[str, Any]) -> None:
    from headrace._flows import registry

    module = types.ModuleType(_MODULE)
    module.__file__ = __file__  # Flask(__name__) looks for its folder there
    sys.modules[_MODULE] = module
    namespace["__name__"] = _MODULE
    loggers = {logger: _state(logger) for logger in _loggers()}
    namespace[_SAVED] = logging.getLogRecordFactory(), loggers, dict(registry.declared)
    registry.declared.clear()


def _end(namespace: dict[str, Any]) -> None:
    import headrace
    from headrace._flows import registry

    factory, loggers, flows = namespace[_SAVED]
    registry.declared.clear()
    registry.declared.update(flows)
    logging.setLogRecordFactory(factory)
    for logger in _loggers():
        vars(logger).update(loggers.get(logger) or copy.deepcopy(_NEW_LOGGER))
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]  # cached isEnabledFor
    headrace.configure()
    _unset_tracer_provider()
    if "structlog" in sys.modules:
        sys.modules["structlog"].reset_defaults()
    del sys.modules[_MODULE]
    if headrace.get_flow_context() is not None:
        msg = "an example of this document left a context behind"
        raise RuntimeError(msg)


def _unset_tracer_provider() -> None:
    """An application sets it once for its process; the next document is another application."""
    if "opentelemetry.trace" in sys.modules:
        from opentelemetry import trace
        from opentelemetry.util._once import Once

        trace._TRACER_PROVIDER = None
        trace._TRACER_PROVIDER_SET_ONCE = Once()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/*/*.md", "docs/*/*/*.md", "packages/*/README.md"],
    excludes=["docs/_build/*"],
    setup=_begin,
    teardown=_end,
).pytest()
