"""``headrace trace show``: one operation is one tree, whatever the clocks say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from headrace.commands import CommandError
from headrace_trace._command._times import parse_duration
from headrace_trace._terminal._text import duration_text
from tests.trace.log_kit import (
    ID,
    WEB,
    WORKER,
    line,
    order,
    out_of,
    request,
    run,
    story,
    titles,
    trace,
)

if TYPE_CHECKING:
    from pathlib import Path

SECOND, THIRD = "c" * 16, "d" * 16


def test_task_stands_below_the_request_of_another_file(tmp_path: Path) -> None:
    """The worker's unit follows the request that published it, with its queue time and error."""
    out = out_of("show", ID, order(tmp_path / "logs"))
    header, *lines = out.splitlines()
    assert header == f"{ID}  2026-09-21 14:13:00.900Z  600 ms"
    assert [text.strip("█· ").partition("  ")[0] for text in lines] == [
        "POST /orders [web-1/1]",
        "14:13:01.000Z INFO task.published",
        "shop.charge [worker-1/1]",
    ]
    assert lines[-1].endswith("error  250 ms  queued 250 ms  ValueError: no money")


def test_waterfall_shows_the_time_in_the_queue(tmp_path: Path) -> None:
    """Dots stand for the queue and blocks for the work, to the scale of the operation."""
    _, web, _, task = out_of("show", ID, order(tmp_path / "logs")).splitlines()
    assert web[:30].rstrip() == "█" * 10
    assert task[:30] == " " * 5 + "·" * 13 + "█" * 12


@pytest.mark.parametrize(
    ("unit", "fields", "title"),
    [
        (WEB, {"event": "unit.end", "kind": "http"}, f"http unit {WEB}"),
        (WEB, {}, f"unknown unit {WEB}"),
        (WEB, {"flow": "orders"}, "orders"),
        (None, {}, "lines without a unit"),
    ],
)
def test_unit_whose_name_is_lost_is_called_by_what_is_known(
    unit: str | None, fields: dict[str, str], title: str
) -> None:
    """A killed unit may have no line with its name: its row shows what is known."""
    log = line(1, unit, **fields)
    row = out_of("show", ID, "-", stdin=log).splitlines()[1]
    assert row.strip("█ ").startswith(f"{title} [web-1/1]")


def test_retries_and_redeliveries_stand_side_by_side(tmp_path: Path) -> None:
    """The runs of one task are attempts of one node, in their order, whichever caused which."""
    log = tmp_path / "all.log"
    first = run(outcome="retry")
    second = run(2.0, SECOND, WORKER, retries=1, outcome=None)
    third = run(9.0, THIRD, WORKER, retries=1, redelivered=True)
    log.write_bytes(third + request() + second + first)
    assert titles(story(ID, log)) == [(0, [WEB]), (1, [WORKER, SECOND, THIRD])]
    out = out_of("show", ID, log)
    assert "attempt 1  retry" in out
    assert "attempt 2  no end" in out
    assert "attempt 3  ok  250 ms  queued 250 ms  redelivered" in out


@pytest.mark.guarantee(270)
def test_causation_comes_before_clocks(tmp_path: Path) -> None:
    """A worker whose clock is behind stays below its cause; the skew is shown and corrected."""
    log = tmp_path / "all.log"
    log.write_bytes(run(0.25) + request(31.0))
    told = story(ID, log)
    assert titles(told) == [(0, [WEB]), (1, [WORKER])]
    assert told["clocks"] == [{"host": "worker-1", "behind_ms": 30750.0}]
    start = told["nodes"][1]["attempts"][0]
    assert start["started"] == "2026-09-21T14:13:00.250000Z"
    assert start["corrected_start"] == "2026-09-21T14:13:31.000000Z"
    assert "! the clock of worker-1 is at least 30.8 s behind" in out_of("show", ID, log)


def test_equal_clocks_are_not_corrected(tmp_path: Path) -> None:
    """Where no effect precedes its cause, nothing is said about clocks."""
    assert story(ID, order(tmp_path / "logs"))["clocks"] == []


@pytest.mark.guarantee(270)
def test_circle_of_causes_begins_with_its_earliest_unit(tmp_path: Path) -> None:
    """Units that cause each other, or themselves, are each shown once."""
    log = tmp_path / "all.log"
    units = ((3.0, "u1", "u3"), (2.0, "u2", "u1"), (1.0, "u3", "u2"), (4.0, "u4", "u4"))
    log.write_bytes(
        b"".join(
            line(second, unit, "unit.end", kind="flow", causation_id=cause)
            for second, unit, cause in units
        )
    )
    assert titles(story(ID, log)) == [(0, ["u4"]), (0, ["u3"]), (1, ["u1"]), (2, ["u2"])]


@pytest.mark.guarantee(270)
def test_deep_chain_of_causes_is_shown(tmp_path: Path) -> None:
    """Three thousand units, each caused by the one before, exceed no recursion limit."""
    log = tmp_path / "all.log"
    units = ((n, f"u{n - 1}" if n else None) for n in range(3000))
    log.write_bytes(
        b"".join(
            line(n / 1000, f"u{n}", "unit.end", kind="flow", causation_id=cause)
            for n, cause in units
        )
    )
    assert [depth for depth, _ in titles(story(ID, log))] == list(range(3000))


def test_equal_times_keep_the_order_of_the_file(tmp_path: Path) -> None:
    """Lines of one time stand in the order in which they were written."""
    log = tmp_path / "all.log"
    log.write_bytes(b"".join(line(1, WEB, message=f"line {n}") for n in range(50)))
    (node,) = story(ID, log)["nodes"]
    texts = [entry["message"] for entry in node["attempts"][0]["lines"]]
    assert texts == [f"line {n}" for n in range(50)]


def test_published_and_not_started_is_a_leaf(tmp_path: Path) -> None:
    """A task of which only the publish is in the logs stands where it would have run."""
    (tmp_path / "web.log").write_bytes(request())
    told = story(ID, tmp_path)
    assert titles(told) == [(0, [WEB]), (1, [])]
    assert told["nodes"][1]["publish"]["task"] == "shop.charge"
    last = out_of("show", ID, tmp_path).splitlines()[-1]
    assert last.split() == ["shop.charge", "not", "started"]


def test_failed_publish_says_why(tmp_path: Path) -> None:
    """A task that could not be sent is shown with the error of sending."""
    failed = {"task": "shop.charge", "task_id": "t1", "error": "ConnectionError: refused"}
    (tmp_path / "web.log").write_bytes(request() + line(1.05, WEB, "task.publish_failed", **failed))
    assert "shop.charge  not sent: ConnectionError: refused" in out_of("show", ID, tmp_path)


def test_lines_without_a_unit_join_that_of_their_process(tmp_path: Path) -> None:
    """Lines of an own formatter, which lack the unit's ID, stand in the process's only unit."""
    (tmp_path / "web.log").write_bytes(request() + line(1.02, None, message="own line"))
    told = story(ID, tmp_path)
    assert titles(told)[0] == (0, [WEB])
    messages = [entry["message"] for entry in told["nodes"][0]["attempts"][0]["lines"]]
    assert messages == ["task.published", "own line", "unit.end"]


def test_line_about_a_killed_run_is_shown_in_that_run(tmp_path: Path) -> None:
    """The parent process writes it under an ID of its own, with the run's cause and no event."""
    about = {"host": "worker-1", "causation_id": WEB}
    killed = run(1.25, SECOND, outcome=None) + line(1.4, "e" * 16, message="killed once", **about)
    killed += run(1.5, THIRD, outcome=None) + line(1.6, "f" * 16, message="killed twice", **about)
    (tmp_path / "worker.log").write_bytes(request() + killed + run(2, redelivered=True))
    told = story(ID, tmp_path)
    assert titles(told) == [(0, [WEB]), (1, [SECOND, THIRD, WORKER])]
    messages = [
        [entry["message"] for entry in unit["lines"]] for unit in told["nodes"][1]["attempts"]
    ]
    assert messages == [
        ["unit.start", "killed once"],
        ["unit.start", "killed twice"],
        ["unit.start", "unit.end"],
    ]


@pytest.mark.parametrize(
    "fields",
    [{"host": "worker-2"}, {"causation_id": SECOND}, {"service": "other"}],
)
def test_other_lines_are_not_about_the_killed_run(tmp_path: Path, fields: dict[str, str]) -> None:
    """They are of another host, cause or service, and stand below their cause if it is there."""
    about = {"host": "worker-1", "causation_id": WEB} | fields
    other = line(1.4, THIRD, message="goes on", **about)
    (tmp_path / "worker.log").write_bytes(request() + run(outcome=None) + other)
    depth = 0 if "causation_id" in fields else 1
    assert sorted(titles(story(ID, tmp_path))) == sorted([
        (0, [WEB]),
        (1, [WORKER]),
        (depth, [THIRD]),
    ])


def test_exception_is_shown_by_its_last_line(tmp_path: Path) -> None:
    """A line with a traceback ends with the error."""
    traceback = "Traceback (most recent call last):\n  File ...\nValueError: no money\n"
    (tmp_path / "web.log").write_bytes(line(1, WEB, message="failed", exception=traceback))
    assert (
        out_of("show", ID, tmp_path).splitlines()[-1].endswith("INFO failed  ValueError: no money")
    )


def test_beginning_of_an_id_is_enough(tmp_path: Path) -> None:
    """The beginning finds the operation, unless it is that of several or of none."""
    other = ID[:8] + "0" * 24
    (tmp_path / "web.log").write_bytes(request() + line(2, "e" * 16, flow_id=other))
    assert story(ID[:12], tmp_path)["flow_id"] == ID
    several = trace("show", ID[:8], tmp_path)
    assert several.returncode == 2
    assert several.stderr.decode() == (
        f"headrace: several IDs begin with {ID[:8]}: {other}, {ID}\n"
    )
    none = trace("show", "abc", tmp_path)
    assert (none.returncode, none.stdout) == (2, b"")
    assert b"no line of these logs has an ID that begins with abc" in none.stderr


@pytest.mark.guarantee(272)
@pytest.mark.parametrize("flow_id", ["a/b+c=d|e", "x' OR 1=1 --", "%", "_", "ä", '"', "\\", "?"])
def test_id_of_any_characters_is_a_value(flow_id: str) -> None:
    """An ID is found whatever it contains and however its writer escaped it; nothing else is."""
    plain = json.dumps(flow_id).encode()
    escaped = plain.replace(b"/", b"\\/").replace(b"+", b"\\u002b").replace(b"=", b"\\u003d")
    log = line(1, WEB, flow_id=flow_id).replace(plain, escaped) + line(2, WORKER)
    told = story(flow_id, "-", stdin=log)
    assert told["flow_id"] == flow_id
    assert titles(told) == [(0, [WEB])]


@pytest.mark.guarantee(273)
@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "?"),
        (0.1234, "0.123 ms"),
        (123.4, "123 ms"),
        (12_345, "12.3 s"),
        (61_000, "1 min 1 s"),
        (7_260_000, "2 h 1 min"),
    ],
)
def test_duration_is_shown_in_the_unit_of_its_size(ms: float | None, text: str) -> None:
    """Three digits below a minute, two units above."""
    assert duration_text(ms) == text


@pytest.mark.parametrize(
    ("words", "message"),
    [([""], "the ID is empty"), ([ID, "--json", "--follow"], "--json tells a story as a whole")],
)
def test_arguments_that_make_no_sense_are_explained(words: list[str], message: str) -> None:
    """The command ends with status 2 and says why."""
    done = trace("show", *words, "-")
    assert done.returncode == 2
    assert message in done.stderr.decode()


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("1.5m", 90.0), ("2d", 172_800.0)])
def test_durations_of_the_command_line(text: str, seconds: float) -> None:
    """A number and a unit are a duration, anything else is refused."""
    assert parse_duration(text) == seconds
    with pytest.raises(CommandError, match="is no duration"):
        parse_duration(f"{text} ago")


def test_control_characters_are_made_visible(tmp_path: Path) -> None:
    """Terminal escapes, line breaks and markup in a log reach the terminal as text."""
    hostile = "\x1b[31m[bold]red[/]\r\n\u202eevil\x00"
    (tmp_path / "web.log").write_bytes(
        line(1, WEB, message=hostile, host=hostile)
        + line(2, WEB, "unit.end", kind="http", name=hostile, error=hostile, outcome=hostile)
    )
    for words in (["show", ID], ["list"]):
        out = out_of(*words, tmp_path)
        assert "\\x1b[31m[bold]red[/]\\r\\n\\u202eevil\\x00" in out
        assert not set(out) & set("\x1b\r\u202e\x00")
