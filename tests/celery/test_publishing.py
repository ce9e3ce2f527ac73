"""The header of a message: written once, overwritten, small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, signals

import headrace
from headrace import get_flow_context
from headrace.integration.messages import MAX_NAMES
from tests.celery.conftest import looking, raw_messages, run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable


def published_headers(app: Celery, **options: Any) -> dict[str, Any]:
    """Publish a task with `options` and return the headers of its message."""
    app.send_task("any", **options)
    (message,) = raw_messages(app)
    headers: dict[str, Any] = message["headers"]
    return headers


def size(message: Any) -> int:
    """Return how many bytes a message takes as JSON."""
    return len(json.dumps(message))


def test_header_says_who_published(app: Celery) -> None:
    """The header holds version, ID, publishing unit and time, and nothing that is not known."""
    with headrace.open_context("an-id") as context:
        header = published_headers(app)["headrace"]
    assert {key: header[key] for key in ("v", "id", "cause")} == {
        "v": 1,
        "id": "an-id",
        "cause": context.unit_id,
    }
    assert type(header["at"]) is int
    assert set(header) == {"v", "id", "cause", "at"}


def test_celerys_correlation_id_is_another_thing(app: Celery) -> None:
    """Celery's own correlation_id property stays the task's ID."""
    with headrace.open_context("an-id"):
        result = app.send_task("any")
    (message,) = raw_messages(app)
    assert message["properties"]["correlation_id"] == result.id


def test_publishing_outside_any_unit_leaves_the_header_alone(app: Celery) -> None:
    """Outside a unit no header is added, and one that is given stays as it is."""
    given = {"v": 1, "id": "mine", "at": 1}
    assert "headrace" not in published_headers(app)
    assert published_headers(app, headers={"headrace": given})["headrace"] == given


@pytest.mark.guarantee(22)
def test_callers_dict_is_never_changed(app: Celery) -> None:
    """The dict that is given as headers is as it was afterwards, nested ones included."""
    nested = {"headrace": {"v": 1, "id": "old"}, "other": 1}
    given = {"mine": 1, "headrace": {"v": 1, "id": "old"}, "headers": nested}
    before = json.dumps(given)
    with headrace.open_context("new"):
        headers = published_headers(app, headers=given)
        looking(app)[0].apply_async(headers=given)
    assert json.dumps(given) == before
    assert headers["headrace"]["id"] == "new"


@pytest.mark.guarantee(29)
def test_header_of_another_message_is_stripped(app: Celery) -> None:
    """What an SDK has copied of an earlier header into nested headers is not sent again."""
    nested = {"headrace": {"v": 1, "id": "old"}, "other": 1}
    with headrace.open_context("new"):
        headers = published_headers(app, headers={"headers": nested})
    assert headers["headers"] == {"other": 1}
    assert headers["headrace"]["id"] == "new"


PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "top": lambda header: {"headrace": header},
    "headers": lambda header: {"headers": {"headrace": header}},
    "nested": lambda header: {"headers": {"headers": {"headrace": header}, "sentry-trace": "1"}},
}


@pytest.mark.guarantee(23)
@pytest.mark.parametrize("place", PLACES)
def test_header_is_found_wherever_it_arrives(app: Celery, place: str) -> None:
    """A header at the top, under `headers` or nested in these gives the run its ID."""
    task, seen = looking(app)
    header = {"v": 1, "id": "elsewhere", "cause": "0" * 15 + "1", "at": 1}
    task.apply_async(headers=PLACES[place](header))
    run_in_worker(app)
    assert [(one.correlation_id, one.causation_id) for one in seen] == [
        ("elsewhere", header["cause"])
    ]


@pytest.mark.guarantee(23)
def test_header_is_written_to_one_place(app: Celery) -> None:
    """Whichever way a task is published, the message has one header, at the top."""
    task, _ = looking(app)
    with headrace.open_context("one"):
        task.delay()
        app.send_task("look")
        task.s().apply_async()
        (task.si() | task.si()).apply_async()
    messages = raw_messages(app)
    assert [json.dumps(message["headers"]).count('"one"') for message in messages] == [1, 1, 1, 1]
    assert {message["headers"]["headrace"]["id"] for message in messages} == {"one"}


def test_protocol_1_carries_the_header(make_app: Callable[..., Celery]) -> None:
    """Messages of the old task protocol carry the ID as well."""
    app = make_app(task_protocol=1)
    task, seen = looking(app)
    with headrace.open_context("old-protocol"):
        run_in_worker(app, task.delay)
    assert [context.correlation_id for context in seen] == ["old-protocol"]


@pytest.mark.guarantee(22)
def test_twenty_retries_leave_the_message_as_large_as_one(app: Celery) -> None:
    """The header is overwritten at each retry: same size, and the attempt before as cause."""
    sent: list[dict[str, Any]] = []
    seen: list[Any] = []

    @signals.after_task_publish.connect(weak=False)
    def keep(headers: Any, body: Any, **_: Any) -> None:
        sent.append(json.loads(json.dumps({"headers": headers, "body": body})))

    @app.task(name="again", bind=True, max_retries=20)
    def again(self: Any) -> None:
        seen.append(get_flow_context())
        if self.request.retries < 20:
            raise self.retry(countdown=0)

    with headrace.open_context():
        run_in_worker(app, again.delay)
    assert [context.causation_id for context in seen[1:]] == [one.unit_id for one in seen[:-1]]
    assert len({context.correlation_id for context in seen}) == 1
    sizes = [size(message["headers"].pop("headrace")) for message in sent]
    assert (len(sizes), len(set(sizes))) == (21, 1)
    rest = [size(message) for message in sent[1:]]
    assert rest[-1] - rest[0] == 1  # the second digit of `retries`


@pytest.mark.guarantee(58)
@pytest.mark.parametrize("correlation_id", ["|12.a/b=c:d+e@f~g_h-", "x" * 256])
def test_every_valid_id_reaches_the_task(app: Celery, correlation_id: str) -> None:
    """The message carries, and the worker accepts, every ID that a validator may admit."""
    task, seen = looking(app)
    with headrace.open_context(correlation_id):
        run_in_worker(app, task.delay)
    assert [context.correlation_id for context in seen] == [correlation_id]


@pytest.mark.parametrize("length", [32, 128])
@pytest.mark.parametrize("name", ["order", "x" * 60, "ü" * 30, "流" * 200])
def test_message_grows_by_at_most_300_bytes(app: Celery, length: int, name: str) -> None:
    """Without propagated metadata a message grows by 300 bytes at most, long names or not."""

    @headrace.entrypoint(f"size.{name}.{length}", name=name)
    def publish() -> None:
        app.send_task("any", task_id="1")

    app.send_task("any", task_id="1")
    with headrace.open_context("i" * length), headrace.deadline(30):
        publish()
    plain, grown = raw_messages(app)
    growth = size(grown["headers"]) - size(plain["headers"])
    assert 0 < growth <= 300


def test_longest_id_and_names_stay_below_300_bytes(app: Celery) -> None:
    """The longest names that are still sent keep to the limit as well."""
    flow = "f" * (MAX_NAMES - 32 - len('""""s'))

    @headrace.entrypoint(flow, name="s")
    def publish() -> None:
        app.send_task("any", task_id="1")

    app.send_task("any", task_id="1")
    with headrace.open_context("i" * 32), headrace.deadline(30):
        publish()
    plain, grown = raw_messages(app)
    assert grown["headers"]["headrace"]["flow"] == flow
    assert size(grown["headers"]) - size(plain["headers"]) <= 300


def test_metadata_that_cannot_travel_is_left_out(
    app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """A value that not every broker takes is left out with a warning; publishing goes on."""
    values = {"good": {"a": [1, None, "x"]}, "bad": object(), "wide": 2**80, "odd": float("nan")}
    headrace.configure(propagate_metadata=list(values))
    with headrace.open_context(metadata=values):
        header = published_headers(app)["headrace"]
    assert header["meta"] == {"good": {"a": [1, None, "x"]}}
    (record,) = caplog.records
    assert "'bad', 'wide', 'odd'" in record.getMessage()


@pytest.mark.parametrize("sizes", [[10_000], [5_000, 5_000]], ids=["one value", "in total"])
def test_large_metadata_is_left_out(
    app: Celery, caplog: pytest.LogCaptureFixture, sizes: list[int]
) -> None:
    """Metadata of more than 8 KB is left out with a warning that does not quote it."""
    metadata = {f"large{number}": "x" * size for number, size in enumerate(sizes)}
    headrace.configure(propagate_metadata=list(metadata))
    with headrace.open_context(metadata=metadata):
        header = published_headers(app)["headrace"]
    assert "meta" not in header
    (record,) = caplog.records
    assert "xxx" not in record.getMessage()


FORWARDED: dict[str, dict[str, Any]] = {
    "top": {"headrace": {"v": 1, "id": "old"}, "mine": 1},
    "headers": {"headers": {"headrace": {"v": 1, "id": "old"}, "other": 1}},
    "nested": {"headers": {"headers": {"headrace": {"v": 1, "id": "old"}}, "other": 1}},
    "everywhere": {
        "headrace": {"v": 1, "id": "old"},
        "headers": {"headrace": {"v": 1, "id": "old"}, "headers": {"headrace": 1}},
    },
}


@pytest.mark.guarantee(76)
@pytest.mark.parametrize("place", FORWARDED)
def test_detached_strips_a_forwarded_header(app: Celery, place: str) -> None:
    """A task published detached belongs to no operation, whatever headers are forwarded."""
    before = json.dumps(FORWARDED[place])
    task, seen = looking(app)
    with headrace.open_context("caller"), headrace.detached():
        task.apply_async(headers=FORWARDED[place])
        (task.si() | task.si()).apply_async(headers=FORWARDED[place])
        with headrace.deadline(30):
            task.apply_async(headers=FORWARDED[place])
    assert json.dumps(FORWARDED[place]) == before
    run_in_worker(app)
    assert len(seen) == 4
    assert {"old", "caller"}.isdisjoint(context.correlation_id for context in seen)
    assert [context.causation_id for context in seen[:3]] == [None] * 3


@pytest.mark.guarantee(76)
@pytest.mark.parametrize("always", [True, False])
@pytest.mark.parametrize("place", FORWARDED)
def test_detached_strips_a_forwarded_header_of_an_eager_run(
    app: Celery, place: str, always: bool
) -> None:
    """An eager run inside `detached` is an operation of its own too, and its retry stays in it."""
    app.conf.task_always_eager = always
    seen: list[Any] = []

    @app.task(name="eager", bind=True)
    def eager(self: Any) -> None:
        seen.append(get_flow_context())
        if self.request.retries == 0:
            raise self.retry(countdown=0)

    with headrace.open_context("caller"), headrace.detached():
        (eager.apply_async if always else eager.apply)(headers=FORWARDED[place])
    first, second = seen
    assert first.correlation_id not in {"old", "caller"}
    assert second.correlation_id == first.correlation_id
    assert (first.causation_id, second.causation_id) == (None, first.unit_id)


@pytest.mark.guarantee(76)
def test_unit_opened_in_detached_is_the_publisher(app: Celery) -> None:
    """A unit inside `detached` writes its own header over the forwarded one."""
    with headrace.detached(), headrace.open_context("inner"):
        headers = published_headers(app, headers=FORWARDED["everywhere"])
    assert headers["headrace"]["id"] == "inner"
    assert '"old"' not in json.dumps(headers)


@pytest.mark.guarantee(76)
def test_retry_inside_detached_begins_another_operation(app: Celery) -> None:
    """Celery forwards the headers of a retried run; detached, they are not ours to keep."""
    seen: list[Any] = []

    @app.task(name="again", bind=True)
    def again(self: Any) -> None:
        seen.append(get_flow_context())
        if self.request.retries == 0:
            with headrace.detached():
                raise self.retry(countdown=0)

    with headrace.open_context("caller"):
        run_in_worker(app, again.delay)
    assert seen[0].correlation_id == "caller"
    assert seen[1].correlation_id != "caller"
    assert seen[1].causation_id is None


def test_flow_without_a_step_is_named(app: Celery) -> None:
    """A message that is published in an open flow, and in none of its steps, names the flow."""
    with headrace.flow("publishing.open").open():
        header = published_headers(app)["headrace"]
    assert header["flow"] == "publishing.open"
    assert "step" not in header


def test_message_without_headers_is_left_alone(
    app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """Another library may send the signal without headers: nothing raises."""
    with headrace.open_context():
        signals.before_task_publish.send(sender="any", body=None)
    assert caplog.records == []


@pytest.mark.parametrize("name", ["headrace_new", "headrace_nwe"])
def test_option_of_a_task_is_refused_when_publishing(app: Celery, name: str) -> None:
    """The broker would ignore it; the error says how to get a new ID for one call."""

    @app.task(name="run")
    def task() -> None: ...

    with pytest.raises(TypeError, match=rf"{name!r} for publishing: .* headrace\.detached\(\)"):
        task.apply_async(**{name: True})
    app.conf.task_always_eager = True
    with pytest.raises(TypeError, match=rf"{name!r} for publishing: .* headrace\.detached\(\)"):
        task.apply_async(**{name: True})


SLIPS = {
    "countdwn": "countdown",
    "expire": "expires",
    "header": "headers",
    "prority": "priority",
    "queu": "queue",
    "queues": "queue",
    "taskid": "task_id",
}


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("slip", SLIPS)
def test_misspelt_option_of_publishing_is_reported(
    app: Celery, slip: str, eager: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Celery ignores an option that it does not know; one warning names the option meant."""
    app.conf.task_always_eager = eager

    @app.task(name=f"run {slip} {eager}")
    def task() -> None: ...

    task.apply_async(**{slip: 1})
    task.apply_async(**{slip: 1})
    (found,) = [one.getMessage() for one in caplog.records if "no option" in one.getMessage()]
    assert f"no option {slip!r}, so it has no effect; did you mean {SLIPS[slip]!r}?" in found


KNOWN = {
    "add_to_parent": True,
    "countdown": 0,
    "delivery_mode": 1,
    "event_dispatcher": None,
    "exchange_type": "direct",
    "message_id": "m",
    "MessageGroupId": "of a broker",
    "queue_name": "for a router of the project",
    "queus": "a stamp",
    "retry_policy": {"max_retries": 1},
    "stamped_headers": ["queus"],
    "timestamp": 1,
}


@pytest.mark.parametrize("eager", [True, False])
def test_options_of_celery_and_of_others_are_not_reported(
    app: Celery, eager: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Options of Celery, kombu, AMQP and brokers, and stamps, are no mistakes."""
    app.conf.task_always_eager = eager

    @app.task(name="run")
    def task() -> None: ...

    task.apply_async(**KNOWN)
    assert [one for one in caplog.records if "no option" in one.getMessage()] == []
