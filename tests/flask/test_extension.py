"""The extension, beyond the contract that it shares with the other frameworks."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from click.testing import CliRunner
from flask import Blueprint, Flask, Response, abort, stream_with_context
from flask.cli import FlaskGroup, with_appcontext
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import headrace
from headrace import asgi
from headrace.backends import facts_of
from headrace.integration import REFUSAL, REFUSAL_TYPE, is_control_flow
from headrace.integration.messages import propagated_metadata
from headrace.wsgi import FlowMiddleware
from headrace_flask import Headrace
from tests import sites
from tests.sites import MemoryLog
from tests.units import WatchedUnit

HEADER = "X-Correlation-ID"


def create_app(name: str = "shop", **config: Any) -> Flask:
    """Return an application that shows the ID, without the extension."""
    app = Flask(name)
    app.config.update(config)

    @app.get("/")
    def home() -> str:
        sites.note("handler")
        return f"{app.name} {headrace.current_flow_id()}"

    @app.get("/broken")
    def broken() -> str:
        raise sites.BrokenError

    return app


def get(app: Flask, path: str = "/", flow_id: str | None = "abc") -> Any:
    """Send a request."""
    return app.test_client().get(path, headers={HEADER: flow_id} if flow_id else {})


def test_application_factory() -> None:
    """One extension object, made before any application, serves those that it is given later."""
    extension = Headrace(response_header="X-Trace")
    first, second = create_app("first"), create_app("second")
    extension.init_app(first)
    extension.init_app(second)
    for app in (first, second):
        response = get(app)
        assert (response.text, response.headers["X-Trace"]) == (f"{app.name} abc", "abc")
        assert app.extensions["headrace"] is extension


@pytest.mark.parametrize("when", ["before", "after"])
def test_late_settings_are_reported_once(when: str, caplog: pytest.LogCaptureFixture) -> None:
    """Settings that are loaded after the extension have no effect, and one warning names them."""
    app = create_app()
    app.config["HEADRACE_EXCLUDE_PATHS"] = ["/health"]
    if when == "before":
        app.config.from_mapping(HEADRACE_TRUST_INBOUND=False)
    Headrace(app)
    if when == "after":
        app.config.from_mapping(HEADRACE_TRUST_INBOUND=False)
    for _ in range(2):
        assert (get(app).headers[HEADER] == "abc") is (when == "after")
    lines = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    late = (
        "no effect: HEADRACE_TRUST_INBOUND, set after Headrace(app); load the configuration before"
    )
    assert lines == ([late] if when == "after" else [])


def test_something_else_than_an_application_is_refused() -> None:
    """The message says what is expected."""
    with pytest.raises(TypeError, match="takes a Flask application, not 'shop'"):
        Headrace("shop")  # type: ignore[arg-type]


def test_init_app_twice_does_nothing(units: list[WatchedUnit]) -> None:
    """A second `init_app`, of the same extension or another, leaves the application as it is."""
    app = create_app()
    extension = Headrace(app)
    wrapped = app.wsgi_app
    extension.init_app(app)
    Headrace(app)
    assert app.wsgi_app is wrapped
    assert app.extensions["headrace"] is extension
    get(app)
    assert len(units) == 1


def test_applications_have_settings_of_their_own() -> None:
    """Each of several applications in a process follows its own settings."""
    trusting = create_app("trusting")
    wary = create_app("wary", HEADRACE_TRUST_INBOUND=False, HEADRACE_RESPONSE_HEADER="X-Wary")
    Headrace(trusting)
    Headrace(wary)
    assert get(trusting).headers[HEADER] == "abc"
    assert get(wary).headers["X-Wary"] != "abc"
    assert HEADER not in get(wary).headers


@pytest.mark.guarantee(1)
def test_mounted_application_is_in_the_units_of_the_outer(units: list[WatchedUnit]) -> None:
    """An application mounted below another, both with the extension, opens no unit of its own."""
    outer, inner = create_app("outer"), create_app("inner")
    Headrace(inner)
    outer.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        outer.wsgi_app, {"/inner": inner}
    )
    Headrace(outer)
    response = get(outer, "/inner/")
    assert (response.text, response.headers.getlist(HEADER)) == ("inner abc", ["abc"])
    assert len(units) == 1


def test_settings_are_read_and_options_win() -> None:
    """The settings are the options' names after ``HEADRACE_``; what the code says stands above."""
    app = create_app(HEADRACE_RESPONSE_HEADER="X-Setting", HEADRACE_EXPOSE_HEADER=True)
    Headrace(app, response_header="X-Option")
    headers = get(app).headers
    assert headers["X-Option"] == "abc"
    assert headers["Access-Control-Expose-Headers"] == "X-Option"


def test_settings_of_configure_are_put_in_force() -> None:
    """What `headrace.configure` takes may be set too."""
    app = create_app(HEADRACE_ID_FACTORY=lambda: "made-here")
    Headrace(app)
    assert get(app, flow_id=None).text == "shop made-here"


def test_configure_of_a_program_is_left_alone() -> None:
    """Where no setting says anything of it, what `headrace.configure` has set remains."""
    headrace.configure(id_factory=lambda: "made-here")
    app = create_app(HEADRACE_EXPOSE_HEADER=True)
    Headrace(app)
    assert get(app, flow_id=None).text == "shop made-here"


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        ({"HEADRACE_TRUST_INBOND": True}, {}, "did you mean 'HEADRACE_TRUST_INBOUND'"),
        ({"HEADRACE_XYZZY": True}, {}, "'HEADRACE_XYZZY' is not a headrace setting; the settings"),
        ({}, {"trust_inbond": True}, "did you mean 'trust_inbound'"),
        ({"HEADRACE_trust_inbound": True}, {}, "did you mean 'HEADRACE_TRUST_INBOUND'"),
        ({"headrace_trust_inbond": True}, {}, "did you mean 'HEADRACE_TRUST_INBOUND'"),
        ({"HEADRACE": {"TRUST_INBOUND": True}}, {}, "the settings are HEADRACE_BACKEND, "),
        ({"HEADRACE_ON_INVALID": "drop"}, {}, "must be 'replace' or 'reject'"),
        ({}, {"backend": "stdout"}, "unknown backend 'stdout'"),
    ],
)
def test_wrong_setting_raises(config: Any, options: Any, message: str) -> None:
    """A wrong setting or option raises at once, and leaves the application as it was."""
    app = create_app(**config)
    before = app.wsgi_app
    with pytest.raises(ValueError, match=message):
        Headrace(app, **options)
    assert app.wsgi_app == before
    assert "headrace" not in app.extensions


def test_type_of_the_application_is_unchanged() -> None:
    """The application stays a `Flask`, and its `wsgi_app` can be wrapped by others."""
    app = create_app()
    Headrace(app)
    assert type(app) is Flask
    app.wsgi_app = FlowMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    assert get(app).headers.getlist(HEADER) == ["abc"]


def test_unit_is_named_for_the_route(units: list[WatchedUnit]) -> None:
    """Once the URL is matched, the unit has the rule as its name; where none matches, the path."""
    app = create_app()
    admin = Blueprint("admin", __name__, url_prefix="/admin")
    admin.get("/orders/<int:number>", endpoint="order")(str)
    app.register_blueprint(admin)
    Headrace(app)
    for path in ("/", "/admin/orders/12", "/broken", "/nowhere"):
        get(app, path)
    names = [unit.context.name for unit in units]
    assert names == ["/", "/admin/orders/<int:number>", "/broken", "/nowhere"]


@pytest.mark.guarantee(9)
def test_propagated_exception_is_marked(log: MemoryLog, units: list[WatchedUnit]) -> None:
    """An exception that Flask lets through takes the ID along, so that the server's line has it."""
    app = create_app(PROPAGATE_EXCEPTIONS=True)
    Headrace(app)
    with pytest.raises(sites.BrokenError) as caught:
        get(app, "/broken")
    assert headrace.get_flow_context() is None
    logging.getLogger("server").error("failed", exc_info=caught.value)
    (line,) = (line for line in log.lines() if line.logger == "server")
    assert line.flow_id == "abc"
    assert [unit.error for unit in units] == [caught.value]


@pytest.mark.guarantee(12)
def test_everything_that_belongs_to_the_request_is_in_the_unit(log: MemoryLog) -> None:
    """What runs before, after and at the end of a request, and of its stream, has the ID."""
    app = create_app()
    app.before_request(lambda: sites.note("before"))
    app.teardown_request(lambda error: sites.note("teardown"))

    @app.after_request
    def note_after(response: Any) -> Any:
        sites.note("after")
        response.call_on_close(lambda: sites.note("closed"))
        return response

    @app.get("/stream")
    def stream() -> Any:
        @stream_with_context
        def pieces() -> Iterator[str]:
            sites.note("piece")
            yield f"{headrace.current_flow_id()}"

        return app.response_class(pieces())

    Headrace(app)
    with get(app, "/stream") as response:
        assert response.text == "abc"
    notes = [(line.message, line.flow_id) for line in log.lines() if line.logger == "site"]
    places = ("before", "after", "piece", "teardown", "closed")
    assert set(notes) == {(place, "abc") for place in places}


@pytest.mark.guarantee(16)
def test_session_is_not_touched() -> None:
    """With every option on, the session is not looked at, so that no response varies by cookie."""

    class Untouchable(SecureCookieSession):
        def __getattribute__(self, name: str) -> Any:
            if name in {"get", "__getitem__", "__contains__", "items", "keys"}:
                raise AssertionError(f".{name} was touched")
            return super().__getattribute__(name)

    class Interface(SecureCookieSessionInterface):
        session_class = Untouchable

    app = create_app(SECRET_KEY="only for tests")
    app.session_interface = Interface()
    Headrace(app, expose_header=True, accept_deadline=True)
    for path in ("/", "/broken", "/nowhere"):
        with get(app, path) as response:
            assert "Vary" not in response.headers


@pytest.mark.parametrize("path", ["/own", "/nowhere", "/broken", "/stream"])
def test_response_is_untouched_but_for_the_header(path: str) -> None:
    """Status, body and every other header are those that come without us."""

    def create() -> Flask:
        app = create_app()

        @app.get("/own")
        def own() -> Any:
            response = app.response_class("\u00fc" * 100, 201, {"X-Own": "yes"})
            response.set_cookie("name", "value", httponly=True)
            return response

        @app.get("/stream")
        def stream() -> Any:
            return app.response_class(str(number) for number in range(3))

        return app

    def answer(app: Flask) -> tuple[int, bytes, list[tuple[str, str]]]:
        with get(app, path, None) as response:
            headers = [(name, value) for name, value in response.headers if name != HEADER]
            return response.status_code, response.data, headers

    ours = create()
    Headrace(ours)
    assert answer(ours) == answer(create())


def test_abort_is_control_flow() -> None:
    """`abort` in a step is an answer: chains neither retry nor wrap it."""
    with pytest.raises(Exception, match="404") as caught:
        abort(404)
    assert is_control_flow(caught.value)


def test_flows_are_listed_drawn_and_checked(tmp_path: Path) -> None:
    """`flask flows` lists the flows, draws one, and says what is wrong by file and line."""
    app = create_app()
    Headrace(app)
    flow = headrace.flow("flask_parcels")

    @flow.entrypoint
    def pack() -> None:
        pass

    @flow.step(after=pack)
    def send() -> None:
        pass

    def run(*arguments: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["flows", *arguments])
        return result.exit_code, result.output

    code, output = run("list")
    assert code == 0
    assert "flask_parcels: 2 steps, entrypoints: pack" in output.splitlines()
    drawing = "graph TD\n    pack --> send\n"
    assert run("graph", "flask_parcels") == (0, drawing)
    target = tmp_path / "parcels.mmd"
    assert run("graph", "flask_parcels", "--output", str(target)) == (0, "")
    assert target.read_text() == drawing
    focused = ("graph", "flask_parcels", "--format", "text", "--focus", "flask_parcels.send")
    assert run(*focused)[0] == 0
    assert run("graph", "--help")[1].startswith("usage: flask flows graph")
    assert run("check", "flask_parcels") == (0, "no problems\n")

    @headrace.step("flask_unsound")
    def lost() -> None:
        pass

    code, output = run("check")
    assert code == 1
    assert "flask_unsound.lost: no entrypoint leads to this step" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["graph", "nowhere"], "no flow named 'nowhere' is declared"),
        (["check", "nowhere"], "no flow named 'nowhere' is declared"),
        (["graph", "nowhere", "--output", "/nowhere/x"], "cannot infer the format"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(arguments: list[str], message: str) -> None:
    """A wrong argument ends in an error that says what is wrong, without a traceback."""
    app = create_app()
    Headrace(app)
    result = app.test_cli_runner().invoke(args=["flows", *arguments])
    assert result.exit_code == (2 if arguments[0] == "graph" else 1)
    assert message in result.output


@pytest.mark.guarantee(79)
@pytest.mark.parametrize("command", ["list", "check"])
def test_modules_that_cannot_be_imported_are_reported(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """If a framework's task modules fail, the command names the error and prints no traceback."""
    monkeypatch.setattr("headrace._flows.discovery._discoveries", [lambda: 1 / 0])
    app = create_app()
    Headrace(app)
    result = app.test_cli_runner().invoke(args=["flows", command])
    assert result.exit_code == 1
    assert "cannot import the task modules: ZeroDivisionError" in result.output
    assert "Traceback" not in result.output


def test_client_of_werkzeug_reaches_the_application() -> None:
    """The wrapped application is a plain WSGI application to others."""
    app = create_app()
    Headrace(app)
    assert Client(app).get("/", headers={HEADER: "abc"}).text == "shop abc"


def test_failing_log_does_not_fail_the_request() -> None:
    """Where our own lines run into a filter that raises, the request is served all the same."""

    def fail(record: logging.LogRecord) -> bool:
        raise ArithmeticError

    app = create_app()
    Headrace(app)
    logger = logging.getLogger("headrace")
    logger.addFilter(fail)
    logger.setLevel(logging.INFO)
    try:
        with get(app, flow_id="not valid") as response:
            assert (response.status_code, len(response.headers[HEADER])) == (200, 32)
    finally:
        logger.removeFilter(fail)
        logger.setLevel(logging.NOTSET)


# --- Set-up ---------------------------------------------------------------------------------------


@pytest.mark.guarantee(57)
@pytest.mark.parametrize(
    "options", [{"trust_inbound": False}, {"strict": True}, {"commands": True}]
)
def test_a_second_set_up_with_other_options_raises(options: Any) -> None:
    """The first set-up stays in force, and the message says what to do."""
    app = create_app()
    Headrace(app, header="X-Shop")
    Headrace(app, header="X-Shop")
    with pytest.raises(RuntimeError, match="once, with all options"):
        Headrace(app, header="X-Shop", **options)
    with pytest.raises(RuntimeError):
        Headrace(app)
    assert get(app).headers["X-Shop"]


@pytest.mark.guarantee(57)
def test_options_of_one_application_reset_none_of_another() -> None:
    """The process-wide options of all applications and of the program itself are merged."""
    headrace.configure(id_factory=lambda: "made")
    Headrace(create_app("first"), header="X-First")
    Headrace(create_app("second"), propagate_metadata=["tenant"])
    Headrace(create_app("third"))
    with headrace.open_context() as context:
        carrier: dict[str, str] = {}
        headrace.inject(carrier)
        context.set_value("tenant", 7)
        assert propagated_metadata(context) == {"tenant": 7}
    assert carrier["X-First"] == "made"


# --- The life of a request ------------------------------------------------------------------------


@pytest.mark.guarantee(54)
@pytest.mark.parametrize("fails", [False, True])
def test_what_is_called_on_close_is_none_of_the_response(
    log: MemoryLog, units: list[WatchedUnit], fails: bool
) -> None:
    """Its line has the ID, follows the unit's line, and changes no outcome."""
    app = create_app()

    def late() -> None:
        sites.note("late")
        if fails:
            raise LookupError("on purpose")

    @app.get("/closing")
    def closing() -> Response:
        response = Response(iter(["x"]))
        response.call_on_close(late)
        return response

    Headrace(app)
    with pytest.raises(LookupError) if fails else contextlib.nullcontext():
        response = get(app, "/closing")
        assert response.text == "x"
        response.close()
    lines = [(line.logger, line.flow_id) for line in log.lines()]
    assert lines == [("headrace", "abc"), ("site", "abc")]
    assert [unit.outcome for unit in units] == ["ok"]


# --- Refusals -------------------------------------------------------------------------------------


@pytest.mark.guarantee(56)
@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_refusal_is_made_inside_the_application(path: str) -> None:
    """A rejection has the headers that the application adds to each response (flask-cors)."""
    app = create_app()

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    Headrace(app, on_invalid="reject")
    response = get(app, path, "not valid")
    assert (response.status_code, response.text) == (400, REFUSAL)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Content-Type"] == REFUSAL_TYPE
    assert response.headers[HEADER]
    assert get(app, "/", "abc").status_code == 200


# --- Commands -------------------------------------------------------------------------------------


def commanded(**config: Any) -> Flask:
    """Return an application with commands of its own, of a blueprint, and in a group."""
    app = create_app(**config)
    admin = Blueprint("admin", __name__)

    @app.cli.command("show")
    def show() -> None:
        click.echo(f"{headrace.current_flow_id()}")
        sites.note("command")

    @app.cli.command("leave")
    @click.argument("status", type=int)
    @click.pass_context
    def leave(context: click.Context, status: int) -> None:
        context.exit(status)

    @app.cli.command("break")
    def break_() -> None:
        raise sites.BrokenError

    @app.cli.command("twice")
    @click.pass_context
    def twice(context: click.Context) -> None:
        context.invoke(show)

    @admin.cli.command("check")
    def check() -> None:
        sites.note("command")

    app.register_blueprint(admin)
    Headrace(app)
    return app


@pytest.mark.guarantee(57)
@pytest.mark.parametrize(
    ("words", "name", "outcome"),
    [
        (["show"], "show", "ok"),
        (["admin", "check"], "admin check", "ok"),
        (["leave", "0"], "leave", "ok"),
        (["leave", "3"], "leave", "error"),
        (["break"], "break", "error"),
        (["flows", "list"], "flows list", "ok"),
        (["routes"], "routes", "ok"),
    ],
)
def test_a_command_is_a_unit(
    units: list[WatchedUnit], log: MemoryLog, words: list[str], name: str, outcome: str
) -> None:
    """One unit of kind `command`, named for its words, with the outcome of the command."""
    app = commanded(HEADRACE_COMMANDS=True)
    runner = FlaskGroup(create_app=lambda: app)
    CliRunner().invoke(runner, words, prog_name="flask")
    found = [(unit.context.kind, unit.context.name, unit.outcome) for unit in units]
    assert found == [("command", name, outcome)]
    lines = {line.flow_id for line in log.lines() if line.logger == "site"}
    assert lines <= {units[0].context.correlation_id}


@pytest.mark.guarantee(57)
def test_a_command_that_another_one_calls_is_a_unit(units: list[WatchedUnit]) -> None:
    """It belongs to the same operation, with the outer command as its cause."""
    commanded(HEADRACE_COMMANDS=True).test_cli_runner().invoke(args=["twice"])
    outer, inner = (unit.context for unit in units)
    assert (outer.name, inner.name) == ("twice", "twice show")
    assert inner.correlation_id == outer.correlation_id
    assert inner.causation_id == outer.unit_id


@pytest.mark.guarantee(57)
def test_a_command_of_another_package_is_a_unit(units: list[WatchedUnit]) -> None:
    """A command that loads the application itself, such as flask-migrate's, is a unit too."""

    @click.command("upgrade")
    @with_appcontext
    def upgrade() -> None:
        click.echo(str(headrace.current_flow_id()))

    group = FlaskGroup(create_app=lambda: commanded(HEADRACE_COMMANDS=True))
    group.add_command(upgrade)
    result = CliRunner().invoke(group, ["upgrade"], prog_name="flask")
    assert [unit.context.correlation_id for unit in units] == [result.output.strip()]


@pytest.mark.guarantee(57)
def test_commands_are_no_units_unless_told(units: list[WatchedUnit]) -> None:
    """Commands of applications without the setting, and those outside Flask, open no unit."""
    Headrace(create_app("other"), commands=True)
    app = commanded()
    result = app.test_cli_runner().invoke(args=["show"])

    @click.command
    def plain() -> None:
        click.echo(str(headrace.current_flow_id()))

    with app.app_context():
        alone = CliRunner().invoke(plain)
    assert (result.output, alone.output, units) == ("None\n", "None\n", [])


def test_a_wrong_value_of_the_setting_raises() -> None:
    """The message names the setting."""
    with pytest.raises(TypeError, match="HEADRACE_COMMANDS must be True or False"):
        Headrace(create_app(HEADRACE_COMMANDS="yes"))


def inside_flask(app: Any) -> Any:
    outer = create_app("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/shop": app})  # type: ignore[method-assign]
    Headrace(outer)
    return Client(outer)


def inside_wsgi(app: Any) -> Any:
    return Client(FlowMiddleware(DispatcherMiddleware(create_app("outer"), {"/shop": app})))


def inside_a2wsgi(app: Any) -> Any:
    return TestClient(asgi.FlowMiddleware(WSGIMiddleware(app)))


def inside_asgiref(app: Any) -> Any:
    return TestClient(asgi.FlowMiddleware(WsgiToAsgi(app)))


@pytest.mark.guarantee(66)
@pytest.mark.parametrize(
    ("around", "mount"),
    [(inside_flask, "/shop"), (inside_wsgi, "/shop"), (inside_a2wsgi, ""), (inside_asgiref, "")],
)
def test_the_unit_of_a_middleware_further_out_is_named_too(
    units: list[WatchedUnit], around: Any, mount: str
) -> None:
    """After the mount prefix and the inner route; without a route, after the path."""
    inner = create_app()
    inner.add_url_rule("/orders/<int:number>", "order", "{number}".format)
    Headrace(inner)
    client = around(inner)
    client.get(f"{mount}/orders/7").close()
    client.get(f"{mount}/nowhere").close()
    named, unknown = (unit.context for unit in units)
    assert named.name == facts_of(named)["route"] == f"{mount}/orders/<int:number>"
    assert (unknown.name, facts_of(unknown).get("route")) == (f"{mount}/nowhere", None)


def test_set_up_after_the_first_request_is_refused() -> None:
    """Flask's own set-up methods refuse it too: earlier requests would have had no ID."""
    app = Flask("late")
    app.test_client().get("/")
    with pytest.raises(RuntimeError, match=r"set up too late: .* where the application is created"):
        Headrace(app)
