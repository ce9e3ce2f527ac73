"""A step above its route is reported when the first request comes."""

from __future__ import annotations

import logging

import click
import pytest
from flask import Blueprint, Flask
from flask.views import MethodView

from headrace_flask import Headrace
from tests.core.flow_kit import new_flow


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the core has said."""
    return [record.getMessage() for record in caplog.records if record.name == "headrace"]


@pytest.mark.guarantee(80)
def test_steps_above_their_routes_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """View functions, those of blueprints, methods of views, commands and those of groups."""
    app, blueprint, flow = Flask("shop"), Blueprint("more", "more"), new_flow()
    Headrace(app)

    @flow.entrypoint
    @app.route("/")
    def root() -> str:
        return "root"

    @flow.entrypoint
    @blueprint.get("/more")
    def more() -> str:
        return "more"

    class View(MethodView):
        def get(self) -> str:
            return "view"

    def command() -> None: ...

    def grouped() -> None: ...

    app.register_blueprint(blueprint)
    app.add_url_rule("/view", view_func=View.as_view("view"))
    app.cli.command("import")(command)
    app.cli.add_command(click.Group("db", {"up": click.Command("up", callback=grouped)}))
    flow.step(View.get)
    flow.step(command)
    flow.step(grouped)
    with caplog.at_level(logging.WARNING):
        for path in ("/", "/more", "/view", "/"):
            assert app.test_client().get(path).status_code == 200
    assert len(lines(caplog)) == 5
    for name in ("root", "more", "View.get", "command", "grouped"):
        assert sum(f"<locals>.{name} " in line for line in lines(caplog)) == 1


@pytest.mark.guarantee(80)
def test_steps_below_their_routes_are_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    """The right order, and functions that are no steps, leave no line."""
    app, flow = Flask("shop"), new_flow()
    Headrace(app)

    @app.route("/")
    @flow.entrypoint
    def root() -> str:
        return "root"

    @app.route("/other")
    def other() -> str:
        return "other"

    assert app.test_client().get("/").data == b"root"
    assert lines(caplog) == []
