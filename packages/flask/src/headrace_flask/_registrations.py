"""Callables registered with a Flask application: views and commands, including blueprints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from headrace.integration import GuardedLogger, Registration, report_undecorated

if TYPE_CHECKING:
    from flask import Flask

    from headrace.wsgi import FlowMiddleware

_log = GuardedLogger("headrace")


def report_at_first_request(app: Flask, middleware: FlowMiddleware) -> None:
    """Check the callables and the settings of `app` once, on the first request.

    Until then, routes can be added and settings changed, and Flask sends no signal after the last
    one.
    """
    taken = settings_of(app)
    inner = middleware.app

    def check_first(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        middleware.app = inner
        report_undecorated(_registrations(app))
        _report_late(taken, settings_of(app))
        return inner(environ, start_response)

    middleware.app = check_first


def settings_of(app: Flask) -> dict[str, Any]:
    """Return the settings of `app` for headrace, without their prefix."""
    return app.config.get_namespace("HEADRACE_", lowercase=False)


def _report_late(taken: dict[str, Any], now: dict[str, Any]) -> None:
    late = [f"HEADRACE_{name}" for name in now if name not in taken or now[name] is not taken[name]]
    if late:
        _log.warning(
            "no effect: %s, set after Headrace(app); load the configuration before", ", ".join(late)
        )


def _registrations(app: Flask) -> Iterator[Registration]:
    for endpoint, view in app.view_functions.items():
        function = getattr(view, "view_class", view)
        yield Registration(f"route of {endpoint!r}", function, "@app.route")
    yield from _commands(app.cli)


def _commands(group: Any) -> Iterator[Registration]:
    for name, command in getattr(group, "commands", {}).items():
        if command.callback is not None:
            yield Registration(f"command {name!r}", command.callback, "@app.cli.command")
        yield from _commands(command)
