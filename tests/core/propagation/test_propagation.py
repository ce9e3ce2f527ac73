"""Headers between processes: `inject` writes them, `extract` reads them and trusts nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from email.message import Message
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace
from headrace import (
    FlowContext,
    RemoteContext,
    configure,
    deadline,
    extract,
    get_flow_context,
    inject,
    open_context,
)
from headrace.integration.messages import is_valid_id
from headrace.testing import reset

HEADER = "X-Correlation-ID"


@pytest.fixture
def _reset() -> Iterator[None]:
    yield
    reset()


# --- inject -----------------------------------------------------------------------------------


def without_trace(carrier: dict[str, str]) -> dict[str, str]:
    """Return `carrier` without W3C Trace Context, which has tests of its own."""
    return {k: v for k, v in carrier.items() if k not in {"traceparent", "tracestate"}}


def test_inject_writes_the_correlation_id() -> None:
    """Inside a unit the carrier gets its correlation ID and its trace, and nothing else."""
    carrier: dict[str, str] = {"Accept": "*/*"}
    with open_context("order-1"):
        inject(carrier)
    assert without_trace(carrier) == {"Accept": "*/*", HEADER: "order-1"}
    assert len(carrier) == 4


def test_inject_writes_nothing_outside_any_unit() -> None:
    """Without a unit there is nothing to pass on."""
    carrier: dict[str, str] = {}
    inject(carrier)
    assert carrier == {}


@pytest.mark.usefixtures("_reset")
def test_inject_uses_the_configured_header() -> None:
    """``configure(header=...)`` names the header."""
    configure(header="X-Request-ID")
    carrier: dict[str, str] = {}
    with open_context("order-1"):
        inject(carrier)
    assert without_trace(carrier) == {"X-Request-ID": "order-1"}


@pytest.mark.parametrize(
    "before",
    [
        {HEADER: "stale"},
        {"x-correlation-id": "stale"},
        {HEADER: "stale", "x-correlation-id": "staler"},
        {"X-CORRELATION-ID": "stale", "x-correlation-id": "staler"},
    ],
)
def test_inject_replaces_the_header_in_any_case(before: dict[str, str]) -> None:
    """Whatever stood there, in whatever case: there is one header afterwards, ours."""
    with open_context("order-1"):
        inject(before)
    assert without_trace(before) == {HEADER: "order-1"}


def test_inject_replaces_in_a_mapping_that_ignores_case() -> None:
    """Headers that were there several times are there once."""
    headers = httpx.Headers([
        ("x-correlation-id", "a"),
        ("X-Correlation-Id", "b"),
        ("Accept", "*/*"),
    ])
    with open_context("order-1"):
        inject(headers)
    assert headers.get_list(HEADER) == ["order-1"]
    assert headers["Accept"] == "*/*"


def test_inject_replaces_in_a_mapping_that_appends() -> None:
    """A message whose assignment adds a header gets no second one."""
    message = Message()
    message["x-correlation-id"] = "stale"
    with open_context("order-1"):
        inject(message)  # type: ignore[arg-type]
    assert message.get_all(HEADER) == ["order-1"]


def test_inject_leaves_keys_that_are_no_text_alone() -> None:
    """A carrier with other keys beside the headers is written to all the same."""
    carrier: Any = {1: "one", b"x-correlation-id": "bytes", None: "none"}
    with open_context("order-1"):
        inject(carrier)
    assert carrier[1] == "one"
    assert carrier[None] == "none"
    assert carrier[HEADER] == "order-1"


def test_inject_writes_the_milliseconds_left() -> None:
    """While a deadline is active it goes along, rounded down, and never negative."""
    carrier: dict[str, str] = {}
    with open_context(), deadline(5):
        inject(carrier)
    assert 4000 < int(carrier["X-Deadline-Ms"]) <= 5000
    with deadline(0):
        inject(carrier)
    assert carrier["X-Deadline-Ms"] == "0"


def test_inject_replaces_an_earlier_deadline() -> None:
    """A deadline in another case is replaced while one is active, and left alone otherwise."""
    carrier = {"x-deadline-ms": "99"}
    inject(carrier)
    assert carrier == {"x-deadline-ms": "99"}
    with deadline(0):
        inject(carrier)
    assert carrier == {"X-Deadline-Ms": "0"}


@pytest.mark.parametrize("seconds", [math.inf, 1e300, 1e13])
def test_inject_writes_an_endless_deadline_as_a_number(seconds: float) -> None:
    """A budget beyond all bounds is written as the largest number that is read again."""
    carrier: dict[str, str] = {}
    with deadline(seconds):
        inject(carrier)
    assert carrier["X-Deadline-Ms"].isdecimal()
    assert len(carrier["X-Deadline-Ms"]) <= 15


# --- extract ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "carrier",
    [
        {HEADER: "order-1"},
        {"x-correlation-id": "order-1"},
        {b"x-correlation-id": b"order-1"},
        {"HTTP_X_CORRELATION_ID": "order-1", "wsgi.input": object(), "REQUEST_METHOD": "GET"},
        [(b"host", b"example.org"), (b"x-correlation-id", b"order-1")],
        [("X-Correlation-ID", "order-1")],
        iter([("X-Correlation-ID", b"order-1")]),
        (("host", "example.org"), ("x-correlation-id", "order-1")),
        {HEADER: ["order-1"]},
        {HEADER: ("order-1",)},
        httpx.Headers({HEADER: "order-1"}),
    ],
    ids=repr,
)
def test_extract_reads_every_kind_of_carrier(carrier: Any) -> None:
    """Mappings and pairs, text and bytes, WSGI's environ: the ID comes out."""
    assert extract(carrier) == RemoteContext(correlation_id="order-1")


@pytest.mark.usefixtures("_reset")
def test_extract_reads_the_configured_header() -> None:
    """``configure(header=...)`` names the header that is read."""
    configure(header="X-Request-ID")
    assert extract({HEADER: "other", "X-Request-ID": "order-1"}).correlation_id == "order-1"
    assert extract({"HTTP_X_REQUEST_ID": "order-1"}).correlation_id == "order-1"


@pytest.mark.guarantee(8)
@pytest.mark.parametrize(
    "refused",
    [
        "",
        " order-1",
        "order-1\n",
        "order\r\nSet-Cookie: a=b",
        "\x1b[31mred",
        '"quoted"',
        "é",
        "١٢٣",
        "a" * 257,
        "a" * 16384,
        "a b",
        "a,b",
        "a;b",
        "/ab",
        "-",
        ".a",
        "a\x00",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_invalid_id_from_outside_is_not_taken_over(refused: str) -> None:
    """Line ends, escapes, quotes, digits of other scripts, length: the ID counts as none."""
    assert extract({HEADER: refused}) == RemoteContext()
    assert extract([(HEADER.encode(), refused.encode())]) == RemoteContext()
    with open_context(remote=extract({HEADER: refused})) as opened:
        assert is_valid_id(opened.correlation_id)
        assert opened.correlation_id != refused


@pytest.mark.guarantee(8)
@pytest.mark.parametrize("kept", ["a", "Z", "0", "|", "|a.b_c~d:e/f+g=h@i|j-9", "a" * 256])
def test_valid_id_from_outside_is_kept_byte_for_byte(kept: str) -> None:
    """What the rule allows is kept as it came, upper case included."""
    with open_context(remote=extract({HEADER: kept})) as opened:
        assert opened.correlation_id == kept


@pytest.mark.guarantee(8)
def test_text_that_shows_something_else_than_was_checked_is_taken_as_what_was_checked() -> None:
    """A subclass of `str` with a text of its own does not bring that into logs and headers."""

    class Sly(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "order\r\nSet-Cookie: a=b"

        def __format__(self, spec: str) -> str:
            return str(self)

    found = extract({HEADER: Sly("order-1")}).correlation_id
    assert type(found) is str
    assert f"{found}" == "order-1"


@pytest.mark.guarantee(8)
def test_remote_context_made_by_hand_is_checked_when_a_unit_opens() -> None:
    """An invalid ID in a `RemoteContext` that did not come from `extract` is not taken over."""
    with open_context(remote=RemoteContext(correlation_id="order\r\n1")) as opened:
        assert is_valid_id(opened.correlation_id)
    with open_context(remote=RemoteContext("order-1", "cause\r\n1")) as opened:
        assert opened.causation_id is None


@pytest.mark.guarantee(58)
def test_id_that_someone_has_set_to_nonsense_is_not_sent() -> None:
    """`inject` writes only valid IDs, since the attribute can be assigned to."""
    carrier = {HEADER: "before"}
    with open_context("order-1") as opened:
        opened.correlation_id = "order\r\nSet-Cookie: a=b"
        inject(carrier)
    assert carrier == {}


@pytest.mark.guarantee(58)
def test_unit_made_by_hand_is_checked_when_it_is_entered() -> None:
    """`with FlowContext(...)` applies the same rule as `open_context`."""
    context = FlowContext("two words")
    with pytest.raises(ValueError, match="1 to 256 characters"), context:
        pass
    assert get_flow_context() is None


@pytest.mark.guarantee(8)
@pytest.mark.parametrize("second", ["a", "b", ""])
def test_a_doubled_header_counts_as_none(second: str) -> None:
    """Two IDs in one message are no ID, be they equal or not: as the middlewares have it."""
    assert extract([(HEADER, "a"), (HEADER.lower(), second)]) == RemoteContext()
    assert extract({HEADER: ["a", second]}) == RemoteContext()


@pytest.mark.parametrize(
    "carrier",
    [
        None,
        7,
        "text",
        b"bytes",
        [1, 2],
        [("one",)],
        [("a", "b", "c")],
        {HEADER: None},
        object(),
        [],
    ],
    ids=repr,
)
def test_extract_takes_nonsense_for_nothing(carrier: Any) -> None:
    """What is no carrier holds no header, and is no error."""
    assert extract(carrier) == RemoteContext()


def test_extract_survives_a_carrier_that_fails() -> None:
    """A mapping whose methods raise counts as empty."""

    class Broken:
        @property
        def items(self) -> Any:
            raise OSError("connection lost")

    class Failing:
        def __iter__(self) -> Iterator[Any]:
            yield (HEADER, "order-1")
            raise ValueError("end of stream")

    assert extract(Broken()) == RemoteContext()  # type: ignore[arg-type]
    assert extract(Failing()) == RemoteContext()  # type: ignore[arg-type]


texts = (
    st.text()
    | st.binary()
    | st.from_regex(r"[A-Za-z0-9|][A-Za-z0-9._~:/+=@|-]{0,260}", fullmatch=True)
)
names = (
    st.sampled_from([HEADER, HEADER.lower(), b"x-correlation-id", "HTTP_X_CORRELATION_ID"]) | texts
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | names,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(names, inner),
)


def check(carrier: Any) -> None:
    """Extract, and see that what comes out is valid, and was in the carrier."""
    found = extract(carrier).correlation_id
    assert found is None or (type(found) is str and is_valid_id(found))


@pytest.mark.guarantee(8)
@given(st.lists(st.tuples(names, texts | st.lists(texts))))
def test_any_pairs_let_no_invalid_id_through(pairs: list[tuple[Any, Any]]) -> None:
    """Whatever stands in the headers, `extract` neither raises nor returns an invalid ID."""
    check(pairs)
    check(dict(pairs))


@pytest.mark.guarantee(8)
@given(anything)
def test_any_object_lets_no_invalid_id_through(carrier: Any) -> None:
    """Whatever is given for a carrier, `extract` neither raises nor returns an invalid ID."""
    check(carrier)


@given(st.from_regex(r"[A-Za-z0-9|][A-Za-z0-9._~:/+=@|-]{0,255}", fullmatch=True))
def test_every_valid_id_makes_the_round_trip(correlation_id: str) -> None:
    """What `inject` writes, `extract` reads."""
    carrier: dict[str, str] = {}
    with open_context(correlation_id):
        inject(carrier)
    assert extract(carrier).correlation_id == correlation_id


# --- what a remote context does ---------------------------------------------------------------


def test_unit_opened_with_a_remote_context_continues_its_operation() -> None:
    """The unit has the sender's correlation ID, names the sender as its cause, has its metadata."""
    until = time.monotonic() + 5
    remote = RemoteContext("order-1", "00f067aa0ba902b7", until, {"tenant": "a", "region": "eu"})
    with open_context(remote=remote, metadata={"region": "us"}) as opened:
        assert opened.correlation_id == "order-1"
        assert opened.causation_id == "00f067aa0ba902b7"
        assert opened.deadline == until
        assert opened.metadata == {"tenant": "a", "region": "us"}


def test_given_correlation_id_goes_before_the_remote_one() -> None:
    """What is said by hand wins."""
    with open_context("mine", remote=RemoteContext("theirs")) as opened:
        assert opened.correlation_id == "mine"


def test_remote_context_without_an_id_leaves_the_unit_around_in_force() -> None:
    """Where nothing came, the unit keeps the correlation ID of the one around it."""
    with open_context("outer"), open_context(remote=extract({})) as opened:
        assert opened.correlation_id == "outer"


def test_remote_deadline_only_shortens() -> None:
    """The sooner of the sender's deadline and the own one holds."""
    now = time.monotonic()
    with deadline(10), open_context(remote=RemoteContext(deadline=now + 1000)):
        left = headrace.remaining()
        assert left is not None
        assert left <= 10
    with deadline(10), open_context(remote=RemoteContext(deadline=now + 1)):
        left = headrace.remaining()
        assert left is not None
        assert left <= 1


@pytest.mark.parametrize("remote", ["order-1", {HEADER: "order-1"}, 7])
def test_remote_of_a_wrong_type_is_refused_at_once(remote: Any) -> None:
    """Headers given instead of what `extract` makes of them are an error that says what to do."""
    with pytest.raises(TypeError, match=r"headrace\.extract"):
        open_context(remote=remote)


@pytest.mark.parametrize("metadata", ["tenant", 7, [("a", 1)]])
def test_metadata_of_a_wrong_type_is_refused_at_once(metadata: Any) -> None:
    """Metadata is a mapping."""
    with pytest.raises(TypeError, match="mapping"):
        open_context(metadata=metadata)
