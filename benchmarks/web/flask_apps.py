"""A Flask application under each extension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import Flask, g, request

from benchmarks.harness import Group
from benchmarks.web.sending import case, flow_id, peers, wsgi
from headrace_flask import Headrace


def _app() -> Flask:
    app = Flask("benchmark")
    app.add_url_rule("/", view_func=lambda: "ok")
    return app


def _by_hand() -> Flask:
    app = _app()

    @app.before_request
    def begin() -> None:
        g.flow_id = request.headers.get("X-Correlation-ID") or uuid4().hex
        g.token = flow_id.set(g.flow_id)

    @app.after_request
    def add_header(response: Any) -> Any:
        response.headers["X-Correlation-ID"] = g.flow_id
        return response

    @app.teardown_request
    def end(_exc: BaseException | None) -> None:
        flow_id.reset(g.token)

    return app


def _headrace() -> Flask:
    app = _app()
    app.config["HEADRACE_BACKEND"] = "none"
    Headrace(app)
    return app


def _log_request_id() -> Flask:
    from flask_log_request_id import RequestID

    app = _app()
    RequestID(app)
    return app


def _opentelemetry() -> Flask:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    app = _app()
    FlaskInstrumentor().instrument_app(app, tracer_provider=TracerProvider())
    return app


PEERS: dict[str, Callable[[], Flask]] = {
    "flask-log-request-id (flask-3-...)": _log_request_id,
    "OpenTelemetry's instrumentation": _opentelemetry,
}


def groups() -> list[Group]:
    """Return what is compared."""
    bare = case("bare", wsgi(_app().wsgi_app))
    others = [case(name, wsgi(app.wsgi_app), bare) for name, app in peers(PEERS).items()]
    return [
        Group(
            "Flask: time added, in that of hand-written hooks",
            [
                case("hand-written", wsgi(_by_hand().wsgi_app), bare),
                case("headrace", wsgi(_headrace().wsgi_app), bare, 1.2),
                *others,
            ],
        )
    ]
