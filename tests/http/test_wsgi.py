"""`headrace.wsgi.FlowMiddleware`: bodies of all kinds, and when a unit ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest

import headrace
from headrace.integration import marked_id
from headrace.wsgi import FlowMiddleware
from tests.http.wsgi_site import make_environ
from tests.sites import shown
from tests.units import watched_units

ABC = [("X-Correlation-ID", "abc")]


class Body:
    """A body that shows the ID where it is made and closed, and fails where it is told to."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.closed: list[str] = []
        self._left = 2

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.fails == "next":
            raise LookupError("on purpose")
        self._left -= 1
        if self._left < 0:
            raise StopIteration
        return shown().encode()

    def close(self) -> None:
        self.closed.append(shown())
        if self.fails == "close":
            raise LookupError("on purpose")


def ask(
    body: Any, *, environ: dict[str, Any] | None = None, **options: Any
) -> tuple[Any, list[Any]]:
    """Call an application that returns `body`; return what comes of it, and the arguments given."""
    answer: list[Any] = []

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body  # type: ignore[no-any-return]

    def start_response(*args: Any) -> Callable[[bytes], object]:
        answer.extend(args)
        return lambda piece: None

    environ = environ or make_environ("GET", "/", ABC)
    return FlowMiddleware(app, **options)(environ, start_response), answer


@pytest.mark.guarantee(12)
def test_the_unit_lives_until_the_body_is_closed() -> None:
    """Chunks and close run inside the unit, code between them outside; it ends with the last."""
    body = Body()
    with watched_units() as units:
        pieces, _ = ask(body)
        made = []
        for piece in pieces:
            assert headrace.current_flow_id() is None
            assert units[0].outcome is None
            made.append(piece)
        assert units[0].outcome == "ok"
        pieces.close()
    assert (made, body.closed) == ([b"abc", b"abc"], ["abc"])
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(12)
def test_an_abandoned_body_ends_its_unit_when_closed() -> None:
    """A client that goes away is no error, and closing again does nothing more to the unit."""
    body = Body()
    with watched_units() as units:
        pieces, _ = ask(body)
        next(pieces)
        pieces.close()
        pieces.close()
    assert body.closed == ["abc", "abc"]
    assert [unit.outcome for unit in units] == ["ok"]


def test_an_error_in_the_body_ends_the_unit() -> None:
    """An error while streaming propagates, and is the unit's outcome."""
    with watched_units() as units:
        pieces, _ = ask(Body(fails="next"))
        with pytest.raises(LookupError), contextlib.closing(pieces):
            list(pieces)
    assert [unit.outcome for unit in units] == ["error"]


@pytest.mark.guarantee(54)
def test_an_error_after_the_last_byte_is_none_of_the_response() -> None:
    """The error propagates, marked with the ID, and the outcome does not change."""
    with watched_units() as units:
        pieces, _ = ask(Body(fails="close"))
        with pytest.raises(LookupError) as caught, contextlib.closing(pieces):
            list(pieces)
    assert marked_id(caught.value) == "abc"
    assert [unit.outcome for unit in units] == ["ok"]


class Closed(list[bytes]):
    """A complete body that still has a `close`."""

    def __init__(self, seen: list[Any]) -> None:
        super().__init__([b"a"])
        self.seen = seen

    def close(self) -> None:
        self.seen.append(headrace.current_flow_id())


@pytest.mark.guarantee(54)
def test_a_list_is_closed_inside_the_unit() -> None:
    """Its `close` runs with the ID, as for any other body."""
    seen: list[Any] = []
    with watched_units() as units:
        pieces, _ = ask(Closed(seen))
        with contextlib.closing(pieces):
            assert list(pieces) == [b"a"]
    assert seen == ["abc"]
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(54)
def test_an_error_on_closing_an_abandoned_body_is_the_outcome() -> None:
    """If the last byte was never sent, the response has failed."""
    with watched_units() as units:
        pieces, _ = ask(Body(fails="close"))
        with pytest.raises(LookupError), contextlib.closing(pieces):
            next(pieces)
    assert [unit.outcome for unit in units] == ["error"]


@pytest.mark.parametrize("body", [[b"a", b"b"], (b"a",), []])
def test_a_body_that_is_there_already_is_returned_as_it_is(body: Any) -> None:
    """Servers look at the length of a list; there is nothing left to run in the unit."""
    with watched_units() as units:
        pieces, _ = ask(body)
    assert pieces is body
    assert [unit.outcome for unit in units] == ["ok"]


def test_a_file_is_left_to_the_server(tmp_path: Any) -> None:
    """A body of the server's own file wrapper arrives as it is, so that it can use sendfile."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    environ = make_environ("GET", "/", ABC) | {"wsgi.file_wrapper": FileWrapper}
    with path.open("rb") as file, watched_units() as units:
        body = FileWrapper(file)
        pieces, answer = ask(body, environ=environ)
        assert pieces is body
    assert ("X-Correlation-ID", "abc") in answer[1]
    assert [unit.outcome for unit in units] == ["ok"]


def test_a_generator_may_start_its_response_late() -> None:
    """`start_response` called while the body is made has the header too."""
    answer: list[Any] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield shown().encode()

    pieces = FlowMiddleware(app)(make_environ("GET", "/", ABC), lambda *a: answer.extend(a))  # type: ignore[arg-type]
    assert [*pieces] == [b"abc"]
    assert answer == ["200 OK", ABC]
    pieces.close()  # type: ignore[attr-defined]


def test_the_arguments_of_start_response_are_passed_on() -> None:
    """Status and exception information arrive, and what the server returns comes back."""
    answer: list[Any] = []
    writer = object()

    def start(*args: Any) -> Any:
        answer.extend(args)
        return writer

    def app(environ: Any, start_response: Any) -> list[bytes]:
        assert start_response("500 Oh", [], (None, None, None)) is writer
        return []

    FlowMiddleware(app)(make_environ("GET", "/", ABC), start)
    assert answer == ["500 Oh", ABC, (None, None, None)]


@pytest.mark.guarantee(17)
def test_the_applications_list_of_headers_is_not_changed() -> None:
    """A constant list is the same afterwards, and a header of our name is replaced."""
    headers = [("x-correlation-id", "theirs"), ("X-Other", "1")]
    answer: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        return []

    FlowMiddleware(app)(make_environ("GET", "/", ABC), lambda *a: answer.extend(a))  # type: ignore[arg-type]
    assert answer[1] == [("X-Other", "1"), *ABC]
    assert headers == [("x-correlation-id", "theirs"), ("X-Other", "1")]


@pytest.mark.guarantee(9)
def test_an_error_of_the_application_goes_on_marked() -> None:
    """The server gets the very exception, the unit ends as error, and no context is left."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise LookupError("on purpose")

    with watched_units() as units, pytest.raises(LookupError):
        FlowMiddleware(app)(make_environ("GET", "/", ABC), lambda *a: lambda b: None)
    assert [(unit.context.correlation_id, unit.outcome) for unit in units] == [("abc", "error")]


@pytest.mark.guarantee(61)
def test_function_that_decides_on_trust_is_given_the_environ() -> None:
    """The function is called with the request's environ."""
    asked: list[Any] = []
    environ = make_environ("GET", "/", ABC)
    ask([], environ=environ, trust_inbound=asked.append)
    assert len(asked) == 1
    assert asked[0] is environ


@pytest.mark.guarantee(55)
def test_a_websocket_that_is_closed_in_gunicorns_way_is_no_error() -> None:
    """A WebSocket application raises StopIteration when closed, and it propagates."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise StopIteration

    with watched_units() as units, pytest.raises(StopIteration):
        FlowMiddleware(app)(make_environ("GET", "/", ABC), lambda *a: lambda b: None)
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(53)
def test_a_file_of_a_wrapper_that_is_a_function_is_left_to_the_server(tmp_path: Any) -> None:
    """The wrapper of uWSGI returns the file, and checks whether the same object is returned."""
    path = tmp_path / "file"
    path.write_bytes(b"content")

    def sendfile(file: Any, size: int = 0) -> Any:
        return file

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](file, 4096)

    environ = make_environ("GET", "/", ABC) | {"wsgi.file_wrapper": sendfile}
    with path.open("rb") as file, watched_units() as units:
        assert FlowMiddleware(app)(environ, lambda *a: lambda b: None) is file
    assert environ["wsgi.file_wrapper"] is sendfile
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(53)
def test_a_body_that_merely_looks_like_a_file_is_made_in_the_unit() -> None:
    """With a function as wrapper, any other body is iterated as usual."""
    environ = make_environ("GET", "/", ABC) | {"wsgi.file_wrapper": lambda file, size=0: file}
    pieces, _ = ask(Body(), environ=environ)
    with contextlib.closing(pieces):
        assert list(pieces) == [b"abc", b"abc"]


@pytest.mark.guarantee(53)
def test_an_environ_is_handled_twice() -> None:
    """The second time it gets a unit, even where the first was excluded."""
    seen: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(headrace.current_flow_id())
        return []

    environ = make_environ("GET", "/")
    for options in ({}, {}, {"exclude_paths": ["/"]}, {}):
        FlowMiddleware(app, **options)(environ, lambda *a: lambda b: None)  # type: ignore[arg-type]
    assert seen[2] is None
    assert len(set(seen)) == 4


@pytest.mark.guarantee(51)
@pytest.mark.parametrize(
    ("script", "path", "pattern", "excluded"),
    [
        ("/api", "/health", "/health", True),
        ("/health", "/other", "/health", False),
        ("/api", "", "/", True),
        ("", "/gr\u00fcn".encode().decode("latin-1"), "/gr\u00fcn", True),
    ],
)
def test_excluded_paths_are_those_of_the_application(
    script: str, path: str, pattern: str, excluded: bool
) -> None:
    """Excluded paths exclude the mount point, and are text."""
    seen: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(headrace.current_flow_id())
        return []

    environ = make_environ("GET", path, ABC) | {"SCRIPT_NAME": script}
    FlowMiddleware(app, exclude_paths=[pattern])(environ, lambda *a: lambda b: None)
    assert seen == [None if excluded else "abc"]


@pytest.mark.guarantee(51)
def test_an_inner_middleware_opens_nothing_in_the_body_of_an_excluded_path() -> None:
    """The exclusion holds while the body is made, which has no unit either."""
    seen: list[Any] = []

    def inner(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(headrace.current_flow_id())
        return [b"x"]

    def late(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield from FlowMiddleware(inner)(environ, start_response)

    app = FlowMiddleware(late, exclude_paths=["/"])
    with headrace.open_context("outer"):
        body = app(make_environ("GET", "/"), lambda *a: lambda b: None)
        assert list(body) == [b"x"]
        body.close()  # type: ignore[attr-defined]
    assert seen == [None]
