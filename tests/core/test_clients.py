"""Outgoing requests: the headers go to the hosts of the list, and nowhere else."""

from __future__ import annotations

import asyncio
import io
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx
import httpx2
import pytest
import requests
from requests.auth import HTTPDigestAuth

from headrace import current_flow_id, deadline, extract, inject, open_context
from headrace.clients import (
    GrpcMetadata,
    aiohttp_trace_config,
    async_httpx_hooks,
    httpx_hooks,
    requests_adapter,
)
from headrace.testing import fake_clock
from tests.core.flow_kit import run_python

HEADER = "X-Correlation-ID"
OURS = {"x-correlation-id", "traceparent", "tracestate", "x-deadline-ms"}
HERE, ELSEWHERE = "127.0.0.1", "localhost"
"""Two names of this machine: the first one is allowed, the second is not."""

Headers = dict[str, str]
Get = Callable[..., None]


class Handler(BaseHTTPRequestHandler):
    """Notes the headers of each request; ``/?to=URL`` redirects, ``/digest`` asks who it is."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        server.seen.append({name.lower(): value for name, value in self.headers.items()})
        where = parse_qs(urlsplit(self.path).query).get("to")
        asks = self.path == "/digest" and "Authorization" not in self.headers
        self.send_response(302 if where else 401 if asks else 200)
        if where:
            self.send_header("Location", where[0])
        if asks:
            self.send_header("WWW-Authenticate", 'Digest realm="a", nonce="b", qop="auth"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


class Receiver(ThreadingHTTPServer):
    """A server on this machine, and what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[Headers] = []

    def url(self, host: str, *via: str) -> str:
        """Return the address of this server by the name `host`, reached over redirects of `via`."""
        url = f"http://{host}:{self.server_port}/"
        for each in reversed(via):
            url = f"http://{each}:{self.server_port}/?to={url}"
        return url

    def ours(self) -> list[Headers]:
        """Return those of the received headers that are headrace's, for each request."""
        return [{k: v for k, v in headers.items() if k in OURS} for headers in self.seen]

    def ids(self) -> list[str | None]:
        """Return the correlation ID of each request."""
        return [headers.get(HEADER.lower()) for headers in self.seen]


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    """A server in a thread."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


@pytest.fixture
def receiver(server: Receiver) -> Receiver:
    """The server, which has seen nothing yet."""
    server.seen.clear()
    return server


# --- The clients: each a function that fetches addresses one after the other ----------------------


def with_httpx(*urls: str, hosts: list[str], headers: Headers, module: Any = httpx) -> None:
    hooks = httpx_hooks(hosts=hosts)
    with module.Client(event_hooks=hooks, trust_env=False, follow_redirects=True) as client:
        for url in urls:
            assert client.get(url, headers=headers).status_code == 200


def with_async_httpx(*urls: str, hosts: list[str], headers: Headers, module: Any = httpx) -> None:
    hooks = async_httpx_hooks(hosts=hosts)

    async def fetch() -> None:
        options = {"event_hooks": hooks, "trust_env": False, "follow_redirects": True}
        async with module.AsyncClient(**options) as client:
            for url in urls:
                assert (await client.get(url, headers=headers)).status_code == 200

    asyncio.run(fetch())


def with_httpx2(*urls: str, **options: Any) -> None:
    with_httpx(*urls, **options, module=httpx2)


def with_async_httpx2(*urls: str, **options: Any) -> None:
    with_async_httpx(*urls, **options, module=httpx2)


def with_requests(*urls: str, hosts: list[str], headers: Headers) -> None:
    with new_session(hosts) as session:
        for url in urls:
            assert session.get(url, headers=headers).status_code == 200


def new_session(hosts: list[str]) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests_adapter(hosts=hosts))
    return session


def with_aiohttp(*urls: str, hosts: list[str], headers: Headers) -> None:
    async def fetch() -> None:
        config = aiohttp_trace_config(hosts=hosts)
        async with aiohttp.ClientSession(trace_configs=[config]) as session:
            for url in urls:
                async with session.get(url, headers=headers) as response:
                    assert response.status == 200

    asyncio.run(fetch())


CLIENTS = [
    with_httpx,
    with_async_httpx,
    with_httpx2,
    with_async_httpx2,
    with_requests,
    with_aiohttp,
]


@pytest.fixture(params=CLIENTS, ids=lambda client: client.__name__.removeprefix("with_"))
def get(request: pytest.FixtureRequest) -> Get:
    """Fetch addresses, with `HERE` allowed unless told otherwise."""

    def fetch(*urls: str, hosts: list[str] | None = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request.param(*urls, hosts=[HERE] if hosts is None else hosts, headers=named)

    return fetch


# --- What all of them do --------------------------------------------------------------------------


def test_a_host_on_the_list_gets_the_headers(get: Get, receiver: Receiver) -> None:
    """The ID, its trace and the deadline are sent, each once."""
    with open_context("order-1"), deadline(60):
        get(receiver.url(HERE))
    (sent,) = receiver.ours()
    assert sent.keys() == OURS
    assert sent["x-correlation-id"] == "order-1"


def test_no_other_host_gets_them(get: Get, receiver: Receiver) -> None:
    """What is not on the list is asked as it would be without us."""
    with open_context("order-1"), deadline(60):
        get(receiver.url(ELSEWHERE))
    assert receiver.ours() == [{}]


def test_the_list_is_empty_unless_given(get: Get, receiver: Receiver) -> None:
    """An empty list sends nothing to anybody."""
    with open_context("order-1"):
        get(receiver.url(HERE), hosts=[])
    assert receiver.ours() == [{}]


def test_nothing_is_sent_outside_any_unit(get: Get, receiver: Receiver) -> None:
    """Without a unit of work there is no ID to send."""
    get(receiver.url(HERE))
    assert receiver.ours() == [{}]


def test_each_request_gets_the_id_of_its_own_unit(receiver: Receiver, get: Get) -> None:
    """The units' IDs alternate as the units do, and a header of the caller's is replaced."""
    for flow_id in ("order-1", "order-2"):
        with open_context(flow_id):
            get(receiver.url(HERE), x_correlation_id="stale")
    assert receiver.ids() == ["order-1", "order-2"]


def test_a_redirect_within_the_list_carries_them(get: Get, receiver: Receiver) -> None:
    """Each request of a chain of redirects has the ID."""
    with open_context("order-1"):
        get(receiver.url(HERE, HERE))
    assert receiver.ids() == ["order-1", "order-1"]


def test_a_redirect_to_another_host_does_not_carry_them(get: Get, receiver: Receiver) -> None:
    """None of the headers follows a redirect off the list; the caller's own do."""
    with open_context("order-1"), deadline(60):
        get(receiver.url(ELSEWHERE, HERE), x_mine="kept")
    assert [len(sent) for sent in receiver.ours()] == [4, 0]
    assert [sent["x-mine"] for sent in receiver.seen] == ["kept", "kept"]


def test_a_redirect_back_carries_them_again(get: Get, receiver: Receiver) -> None:
    """Off the list and back: whoever is on the list has the ID."""
    with open_context("order-1"):
        get(receiver.url(HERE, ELSEWHERE, HERE, ELSEWHERE))
    assert receiver.ids() == [None, "order-1", None, "order-1"]


def test_a_relative_redirect_stays_with_its_host(get: Get, receiver: Receiver) -> None:
    """A redirect without a host goes where the request went."""
    with open_context("order-1"):
        get(receiver.url(HERE) + "?to=/next", receiver.url(ELSEWHERE) + "?to=/next")
    assert receiver.ids() == ["order-1", "order-1", None, None]


def test_what_the_caller_sends_to_other_hosts_is_left_alone(get: Get, receiver: Receiver) -> None:
    """A header of ours that the caller gives a request by hand is the caller's business."""
    with open_context("order-1"):
        get(receiver.url(ELSEWHERE, ELSEWHERE), x_correlation_id="mine")
    assert receiver.ids() == ["mine", "mine"]


# --- What some do ---------------------------------------------------------------------------------


def test_a_request_sent_twice_carries_what_holds_now(receiver: Receiver) -> None:
    """An httpx request that is sent again outside any unit has lost the ID of the first time."""
    hooks = httpx_hooks(hosts=[HERE])
    with httpx.Client(event_hooks=hooks, trust_env=False) as client:
        request = client.build_request("GET", receiver.url(HERE))
        with open_context("order-1"):
            client.send(request)
        client.send(request)
    assert receiver.ids() == ["order-1", None]


def test_options_of_the_caller_are_not_written_to(receiver: Receiver) -> None:
    """A dict of httpx's extensions may be used for many requests: it stays as it was."""
    extensions: dict[str, Any] = {"timeout": httpx.Timeout(5).as_dict()}
    before = dict(extensions)
    hooks = httpx_hooks(hosts=[HERE])
    with open_context(), httpx.Client(event_hooks=hooks, trust_env=False) as client:
        client.get(receiver.url(HERE), extensions=extensions)
    assert extensions == before


def test_the_answer_to_a_challenge_carries_them_too(receiver: Receiver) -> None:
    """Requests answers a challenge with a request of its own, which has the ID as well."""
    with open_context("order-1"), new_session([HERE]) as session:
        response = session.get(receiver.url(HERE) + "digest", auth=HTTPDigestAuth("a", "b"))
    assert response.status_code == 200
    assert receiver.ids() == ["order-1", "order-1"]


def test_the_response_shows_what_was_sent(receiver: Receiver) -> None:
    """With requests, `response.request` has the headers; the request that was given has not."""
    with open_context("order-1"), new_session([HERE]) as session:
        given = session.prepare_request(requests.Request("GET", receiver.url(HERE)))
        response = session.send(given)
    assert response.request.headers[HEADER] == "order-1"
    assert HEADER not in given.headers


def test_an_adapter_takes_the_options_of_its_kind() -> None:
    """What `HTTPAdapter` takes is passed on."""
    assert requests_adapter(max_retries=3).max_retries.total == 3


def test_aiohttp_says_what_is_wrong_with_a_redirect(receiver: Receiver) -> None:
    """A location that cannot be understood is aiohttp's error, not ours."""
    with open_context("order-1"), pytest.raises(aiohttp.InvalidURL):
        with_aiohttp(receiver.url(HERE) + "?to=http://[broken", hosts=[HERE], headers={})


def test_concurrent_requests_are_not_mixed_up(receiver: Receiver) -> None:
    """One session of aiohttp for many units: each request has its own unit's ID."""
    asked: list[str] = []

    async def fetch(session: aiohttp.ClientSession, number: int) -> None:
        with open_context(f"order-{number}"):
            asked.append(str(current_flow_id()))
            url = receiver.url(ELSEWHERE if number % 2 else HERE, HERE)
            async with session.get(url, headers={"X-Number": f"order-{number}"}):
                pass

    async def fetch_all() -> None:
        config = aiohttp_trace_config(hosts=[HERE])
        async with aiohttp.ClientSession(trace_configs=[config]) as session:
            await asyncio.gather(*(fetch(session, number) for number in range(20)))

    asyncio.run(fetch_all())
    with_id = [sent for sent in receiver.seen if HEADER.lower() in sent]
    assert len(asked) == 20
    assert len(receiver.seen) == 40
    assert len(with_id) == 30
    assert all(sent[HEADER.lower()] == sent["x-number"] for sent in with_id)


# --- The list -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api", True),
        ("API", True),
        ("a.example.com", True),
        ("a.b.Example.com", True),
        ("example.com", False),
        ("evilexample.com", False),
        ("api.evil.com", False),
        ("example.com.evil.com", False),
    ],
)
def test_names_are_exact_or_below_a_domain(host: str, allowed: bool) -> None:
    """``*.example.com`` means every name below it and not itself; case does not matter."""
    (hook,) = httpx_hooks(hosts=["api", "*.example.com"])["request"]
    request = httpx.Request("GET", f"http://{host}/")
    with open_context("order-1"):
        hook(request)
    assert (HEADER in request.headers) is allowed


@pytest.mark.parametrize("hosts", ["api.internal", [b"api"], [None]])
@pytest.mark.parametrize(
    "make", [httpx_hooks, async_httpx_hooks, requests_adapter, aiohttp_trace_config]
)
def test_a_list_of_a_wrong_type_is_refused_at_once(make: Callable[..., Any], hosts: Any) -> None:
    """A single name in place of a list would allow its letters: it is an error that says so."""
    with pytest.raises(TypeError, match="list of host names"):
        make(hosts=hosts)


@pytest.mark.parametrize(
    "host", ["http://api.internal", "api.internal:8000", "api/orders", "*", "10.0.0.*", "a b", ""]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    """A URL, a port, a path or a star elsewhere would never match: it is refused at once."""
    with pytest.raises(ValueError, match="is not a host name"):
        httpx_hooks(hosts=[host])


@pytest.mark.parametrize(
    "host", ["localhost", "10.0.0.1", "::1", "*.example.com", "bücher.example"]
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    """Names, addresses of both versions, and names below one are accepted."""
    assert httpx_hooks(hosts=[host])


# --- Both kinds of httpx client -------------------------------------------------------------------


@pytest.mark.parametrize("module", [httpx, httpx2])
@pytest.mark.parametrize("make_hooks", [httpx_hooks, async_httpx_hooks])
def test_hooks_of_httpx_fit_both_kinds_of_client(
    make_hooks: Callable[..., Any], module: Any, receiver: Receiver
) -> None:
    """One hook fits both kinds; a wrong one would fail, or silently add nothing."""
    hooks = make_hooks(hosts=[HERE])
    with module.Client(event_hooks=hooks, trust_env=False) as client, open_context("plain"):
        client.get(receiver.url(HERE))

    async def fetch() -> None:
        async with module.AsyncClient(event_hooks=hooks, trust_env=False) as client:
            await client.get(receiver.url(HERE))

    with open_context("async"):
        asyncio.run(fetch())
    assert receiver.ids() == ["plain", "async"]


# --- Deadlines ------------------------------------------------------------------------------------


class Timeouts:
    """An httpx transport that records the timeouts of each request, and redirects ``/old``."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.seen: list[dict[str, float | None]] = []
        self.transport = module.MockTransport(self.answer)

    def answer(self, request: Any) -> Any:
        self.seen.append(request.extensions["timeout"])
        if request.url.path == "/old":
            return self.module.Response(302, headers={"Location": "http://other/new"})
        return self.module.Response(200)


@pytest.mark.guarantee(117)
@pytest.mark.parametrize("module", [httpx, httpx2])
def test_httpx_waits_no_longer_than_the_deadline(module: Any) -> None:
    """All four timeouts are the remaining time, for each host and redirect, but not afterwards."""
    timeouts = Timeouts(module)
    options = {"transport": timeouts.transport, "event_hooks": httpx_hooks(hosts=["api"])}
    with module.Client(follow_redirects=True, **options) as client:
        request = client.build_request("GET", "http://api/old")
        with fake_clock() as clock, deadline(60):
            client.send(request)
            clock.advance(50)
            client.send(request)
            clock.advance(50)
            client.send(request)
        client.send(request)
    four = ("connect", "read", "write", "pool")
    assert timeouts.seen[0::2] == timeouts.seen[1::2]
    assert timeouts.seen[0::2] == [
        dict.fromkeys(four, pytest.approx(left)) for left in (60, 10, 0.001, 5.0)
    ]


@pytest.mark.parametrize("module", [httpx, httpx2])
@pytest.mark.parametrize("given", [7.0, None])
def test_httpx_keeps_a_timeout_of_the_caller(module: Any, given: float | None) -> None:
    """An explicit timeout of the client or the request is kept."""
    timeouts = Timeouts(module)
    options = {"transport": timeouts.transport, "event_hooks": httpx_hooks()}
    with deadline(60):
        with module.Client(timeout=given, **options) as client:
            client.get("http://api/")
        with module.Client(**options) as client:
            client.get("http://api/", timeout=given)
    assert [each["read"] for each in timeouts.seen] == [given, given]


@pytest.mark.guarantee(117)
def test_requests_waits_no_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timeout is the remaining time, for each host; the caller's own timeout is kept."""
    seen: list[Any] = []

    def send(adapter: Any, request: Any, stream: bool, timeout: Any, **more: Any) -> Any:
        seen.append(timeout)
        response = requests.Response()
        response.status_code, response.raw, response.url = 200, io.BytesIO(), request.url
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with new_session([]) as session:
        with fake_clock(), deadline(60):
            session.get("http://api/")
            session.get("http://api/", timeout=(1, 2))
        session.get("http://api/")
    assert seen == [pytest.approx(60), (1, 2), None]


def ask_aiohttp(url: str, seconds: float, **options: Any) -> None:
    """Send a request with `seconds` left."""

    async def fetch() -> None:
        config = aiohttp_trace_config()
        async with aiohttp.ClientSession(trace_configs=[config], **options) as session:
            with deadline(seconds):
                async with session.get(url) as response:
                    assert response.status == 200
            # The limit is gone and cannot end later code.
            await asyncio.sleep(0.01)

    asyncio.run(fetch())


@pytest.mark.guarantee(117)
def test_aiohttp_waits_no_longer_than_the_deadline(receiver: Receiver) -> None:
    """A request to a server that never answers ends when the time is up."""
    with socket.socket() as silent:
        silent.bind((HERE, 0))
        silent.listen()
        url = f"http://{HERE}:{silent.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            ask_aiohttp(url, 0.05)
        with pytest.raises(TimeoutError):
            ask_aiohttp(url, 0)
        with pytest.raises(TimeoutError):  # from aiohttp's own limit, set by the caller
            ask_aiohttp(url, 0, timeout=aiohttp.ClientTimeout(total=0.05))
    ask_aiohttp(receiver.url(ELSEWHERE, HERE), 60)


@pytest.mark.guarantee(117)
def test_aiohttp_keeps_a_timeout_of_the_caller(receiver: Receiver) -> None:
    """The session's own timeout counts, however little time is left."""
    ask_aiohttp(receiver.url(HERE), 0, timeout=aiohttp.ClientTimeout(total=60))


# --- Missing libraries ----------------------------------------------------------------------------


@pytest.mark.guarantee(59)
@pytest.mark.parametrize(
    ("statement", "library", "message"),
    [
        (
            "from headrace.clients import requests_adapter as a; a()",
            "requests",
            'requests_adapter() needs requests: pip install "headrace[requests]"',
        ),
        (
            "from headrace.clients import aiohttp_trace_config as a; a()",
            "aiohttp",
            'aiohttp_trace_config() needs aiohttp: pip install "headrace[aiohttp]"',
        ),
        (
            "import headrace.sphinx",
            "docutils",
            'headrace.sphinx needs Sphinx: pip install "headrace[sphinx]"',
        ),
        (
            "import headrace.sphinx",
            "sphinx",
            'headrace.sphinx needs Sphinx: pip install "headrace[sphinx]"',
        ),
        (
            "import headrace; headrace.configure('otel')",
            "opentelemetry",
            'OTelBackend needs OpenTelemetry: pip install "headrace[otel]"',
        ),
        (
            "from headrace.backends import FlowSpanProcessor",
            "opentelemetry",
            'FlowSpanProcessor needs OpenTelemetry: pip install "headrace[otel]"',
        ),
    ],
)
def test_a_missing_library_is_named_with_what_to_install(
    statement: str, library: str, message: str
) -> None:
    """The error names the extra, and is still an `ImportError` with the missing module's name."""
    hidden = f"import sys; sys.modules[{library!r}] = None\n"
    check = (
        f"try:\n    exec({statement!r})\nexcept ImportError as error:\n"
        f"    print(error); print(error.name.partition('.')[0])\n"
    )
    lines = run_python("-c", hidden + check).splitlines()
    assert lines == [message, library]


@pytest.mark.guarantee(59)
@pytest.mark.parametrize(
    "make", [httpx_hooks, async_httpx_hooks, requests_adapter, aiohttp_trace_config]
)
def test_a_misspelt_option_is_answered_with_the_nearest(make: Callable[..., Any]) -> None:
    """The message names the function and the valid option."""
    with pytest.raises(TypeError, match=r"\(\) has no option 'host'; did you mean 'hosts'\?"):
        make(host=["api"])


@pytest.mark.guarantee(59)
def test_an_option_of_requests_is_misspelt() -> None:
    """Options that are passed on to requests are accepted."""
    with pytest.raises(TypeError, match="did you mean 'max_retries'"):
        requests_adapter(max_retrys=2)


@pytest.mark.parametrize(
    ("make", "module"), [(requests_adapter, "requests.adapters"), (aiohttp_trace_config, "aiohttp")]
)
def test_a_client_library_that_is_missing_here_is_named(
    make: Callable[..., Any], module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'pip install "headrace\['):
        make(hosts=["api"])


def test_metadata_of_grpc_has_lower_case_names() -> None:
    """What `inject` writes can be the metadata of a call, and replaces what is there."""
    metadata = GrpcMetadata({"x-correlation-id": "old", "authorization": "mine"})
    with open_context("an-id"), deadline(60):
        inject(metadata)
    assert metadata["x-correlation-id"] == "an-id"
    assert metadata["authorization"] == "mine"
    assert set(metadata) >= {"traceparent", "x-deadline-ms"}
    assert [name for name in metadata if name != name.lower()] == []
    assert extract(tuple(metadata.items())).correlation_id == "an-id"
