"""The extension, which wraps the WSGI application so that error responses carry the ID too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from flask import Flask, got_request_exception, request

import headrace.logging
from headrace.integration import (
    REFUSAL,
    REFUSAL_STATUS,
    REFUSAL_TYPE,
    REFUSED_KEY,
    HttpOptions,
    read_settings,
    record_error,
)
from headrace.integration.settings import (
    CONFIGURE_OPTIONS,
    HTTP_OPTIONS,
    amend,
    is_repeated,
    name_hint,
    nearest_name,
)
from headrace.wsgi import FlowMiddleware

from ._cli import flows
from ._registrations import report_at_first_request, settings_of

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


_KNOWN = (*CONFIGURE_OPTIONS, *HTTP_OPTIONS, "commands")
_SETTINGS = [f"HEADRACE_{name.upper()}" for name in _KNOWN]


class _Settings(NamedTuple):
    """The settings of an application."""

    configuration: dict[str, Any]
    http: HttpOptions
    commands: bool


_initialised: WeakKeyDictionary[Flask, _Settings] = WeakKeyDictionary()


class Headrace:
    """Opens a unit of work for each request of a Flask application.

    Use ``Headrace(app)``, or ``Headrace()`` and later ``init_app(app)``. Settings come from
    ``app.config``, as ``HEADRACE_`` and the upper-case name of the option.

    Args:
        app: the application, or None to call `init_app` later.
        options: the options of `headrace.integration.HttpOptions` and `headrace.configure`, and
            `commands` (whether each ``flask`` command is a unit of work); they take precedence
            over the application's settings.

    Raises:
        ValueError: an option or setting is unknown, or a value is invalid.
        TypeError: an option or setting has the wrong type.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        for name in options:
            if name.lower() not in _KNOWN:
                raise ValueError(f"Headrace() has no option {name!r}; {name_hint(name, _KNOWN)}")
        self._options = {name.upper(): value for name, value in options.items()}
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set up `app`; a second call with the same options does nothing.

        Raises:
            ValueError: an option or setting is unknown, or a value is invalid.
            TypeError: an option or setting has the wrong type.
            RuntimeError: `app` was already set up with different options, or has handled a request.
        """
        if not isinstance(app, Flask):
            raise TypeError(f"Headrace takes a Flask application, not {app!r}")
        configuration, http, others = read_settings(
            {**_checked_settings(app), **self._options}, others=("COMMANDS",)
        )
        wanted = _Settings(configuration, HttpOptions(**http), _flag(others))
        if is_repeated(_initialised, app, wanted, "Headrace()"):
            return
        if app._got_first_request:  # noqa: SLF001 - as Flask's own set-up methods do
            raise RuntimeError(
                "Headrace was set up too late: the application has already handled a request; call "
                "Headrace(app) where the application is created"
            )
        self._set_up(app, wanted, FlowMiddleware(app.wsgi_app, **http))
        _initialised[app] = wanted

    def _set_up(self, app: Flask, wanted: _Settings, middleware: FlowMiddleware) -> None:
        middleware.route_of = _route_of
        report_at_first_request(app, middleware)
        amend({}, wanted.configuration)
        headrace.logging.install()
        if wanted.http.on_invalid == "reject":
            # Reject inside the application, where `after_request` functions add CORS headers.
            middleware.leaves_refusal = True
            app.before_request_funcs.setdefault(None, []).insert(0, _refuse)
        if wanted.commands:
            from ._commands import COMMANDS, run_commands_in_units

            app.extensions[COMMANDS] = True
            run_commands_in_units()
        got_request_exception.connect(_on_got_request_exception, app)
        app.wsgi_app = middleware  # type: ignore[method-assign]  # as Flask documents it
        app.cli.add_command(flows)
        app.extensions["headrace"] = self


def _flag(others: dict[str, Any]) -> bool:
    commands = others.get("COMMANDS", False)
    if not isinstance(commands, bool):
        raise TypeError(f"HEADRACE_COMMANDS must be True or False, not {commands!r}")
    return commands


def _refuse() -> tuple[str, int, dict[str, str]] | None:
    if REFUSED_KEY in request.environ:
        return REFUSAL, REFUSAL_STATUS, {"Content-Type": REFUSAL_TYPE}
    return None


def _checked_settings(app: Flask) -> dict[str, Any]:
    for key in filter(_is_misspelt, app.config):
        near = nearest_name(key[len("HEADRACE_") :], _KNOWN)
        hint = f"the settings are {', '.join(_SETTINGS)}"
        if near is not None:
            hint = f"did you mean 'HEADRACE_{near.upper()}'?"
        raise ValueError(f"{key!r} is not a headrace setting; {hint}")
    return settings_of(app)


def _is_misspelt(key: Any) -> bool:
    """Return whether `key` resembles a setting: wrong name or case, or one dict as in Django."""
    upper = str(key).upper()
    return upper == "HEADRACE" or (upper.startswith("HEADRACE_") and key not in _SETTINGS)


def _route_of(environ: WSGIEnvironment) -> str | None:
    # The request may belong to another WSGI application in the same stack and have no rule.
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return None if rule is None else str(rule.rule)


def _on_got_request_exception(_app: Flask, exception: BaseException, **_: Any) -> None:
    """Record the request's error, which Flask turns into a 500 before its unit can see it."""
    record_error(exception)
