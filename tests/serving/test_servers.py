"""The contract on real servers, for what depends on the server."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.contract import Scenario, play
from tests.scenarios import BIG, ON_SERVERS
from tests.serving.client import FileLog, ServerClient
from tests.serving.servers import (
    DAPHNE,
    GUNICORN,
    HTTPTOOLS,
    HYPERCORN,
    RUNSERVER,
    UVICORN,
    UVLOOP,
    UWSGI,
    Server,
)
from tests.serving.servers import running as running_server

NO_ASYNC = {
    "async": "WSGI has no asynchronous applications",
    "async stream": "WSGI has no asynchronous bodies",
    "background": "WSGI has no background work",
    "websocket": "WSGI has no WebSockets",
}
STARLETTE = {
    "closed stream": "Starlette leaves the plain generator of a client that has gone to the "
    "garbage collection",
    "closed async stream": "Starlette leaves an asynchronous one to it too, if it was not waiting",
}
DJANGO = {"background": "Django has no background work", "websocket": "Django has no WebSockets"}
LACKS: dict[str, dict[str, str]] = {
    "asgi": {},
    "starlette": STARLETTE,
    "fastapi": STARLETTE,
    "django-asgi": DJANGO,
    "wsgi": NO_ASYNC,
    "flask": NO_ASYNC,
    "django-wsgi": NO_ASYNC,
}
WHOLE = [
    *((UVICORN, site) for site in ("asgi", "starlette", "fastapi", "django-asgi")),
    *((server, site) for server in GUNICORN for site in ("wsgi", "flask", "django-wsgi")),
    (RUNSERVER, "django-wsgi"),
    (UWSGI, "flask"),
]
SMOKE = [(server, "fastapi") for server in (DAPHNE, HYPERCORN, HTTPTOOLS, UVLOOP)]


def named(pair: tuple[Server, str]) -> str:
    return f"{pair[0].name}-{pair[1]}"


@pytest.fixture(scope="module")
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerClient]:
    """A client of a site on a server, which runs for all the scenarios."""
    server, site = request.param
    if missing := server.missing():
        words = f"{server.name} needs {', '.join(missing)}: nox -s servers"
        if os.environ.get("HEADRACE_REQUIRE_SERVERS"):
            pytest.fail(words)
        pytest.skip(words)
    with running_server(server, site, tmp_path_factory.mktemp("server")) as running:
        # Django's own server has a backlog of ten.
        connections = 20 if server.name == "runserver" else 200
        yield ServerClient(running.port, FileLog(running.log), connections)


on_whole = pytest.mark.parametrize(
    ("client", "site"),
    [(pair, pair[1]) for pair in WHOLE],
    ids=[named(pair) for pair in WHOLE],
    indirect=["client"],
    scope="module",
)


@pytest.mark.parametrize("scenario", ON_SERVERS)
@on_whole
def test_contract(client: ServerClient, site: str, scenario: Scenario) -> None:
    """The requests of each scenario do what the contract says."""
    for feature in scenario.needs:
        if feature in LACKS[site]:
            pytest.skip(LACKS[site][feature])
    play(scenario, client)


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(9)
@on_whole
def test_requests_on_one_connection_are_kept_apart(client: ServerClient, site: str) -> None:
    """Large bodies, of which the rest comes when another request is current, mix up no IDs.

    Nor does the line of an error's traceback, which the server logs after the unit's end.
    """
    for turn in range(10):
        named, error = f"named-{turn}", f"error-{turn}"
        answers = client.on_one_connection([
            ("POST", "/body", [("X-Correlation-ID", named)], BIG),
            ("POST", "/body", [], BIG),
            ("GET", "/id", [], b""),
            ("GET", "/error/unhandled", [("X-Correlation-ID", error)], b""),
        ])
        fresh = [seen.header("X-Correlation-ID")[0] for seen in answers[1:3]]
        assert len({*fresh, named, error}) == 4
        bodies = [f"{named} {len(BIG)}", f"{fresh[0]} {len(BIG)}", fresh[1]]
        assert [seen.text for seen in answers[:3]] == bodies
        lines = answers[3].wait_for("BrokenError", lambda line: line.error == "BrokenError")
        assert {line.flow_id for line in lines} == {error}


@pytest.mark.parametrize("client", SMOKE, ids=[named(pair) for pair in SMOKE], indirect=True)
def test_smoke(client: ServerClient) -> None:
    """Other servers carry the ID through a request and a stream, too."""
    for path, body in (("/id", "abc"), ("/async/stream", "abc\nabc\nabc\n")):
        seen = client.request("GET", path, [("X-Correlation-ID", "abc")])
        assert (seen.status, seen.text) == (200, body)
        assert seen.header("X-Correlation-ID") == ["abc"]
