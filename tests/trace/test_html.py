"""``headrace trace html``: what the page holds, and what it never does."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tests.trace.log_kit import ID, WEB, WORKER, out_of, trace

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e&\U0001f600"
_data = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def line(time: str, **fields: Any) -> str:
    base = {"time": f"2026-09-21T14:13:{time}Z", "level": "INFO", "logger": "headrace"}
    return json.dumps(base | {"flow_id": ID, "message": "a line"} | fields)


def order(name: str = "/orders", message: str = "order received") -> str:
    task = {"task_id": "t1", "queue": "celery"}
    worker = {"unit_id": WORKER, "causation_id": WEB, "kind": "task", "name": "shop.charge"}
    end = {"event": "unit.end", "outcome": "ok"}
    return "\n".join([
        line("01.000", unit_id=WEB, message=message, service="shop", logger="shop"),
        line("01.100", unit_id=WEB, event="task.published", task="shop.charge", **task),
        line("01.200", unit_id=WEB, kind="http", method="POST", name=name, duration_ms=200, **end),
        line("01.500", event="unit.start", queue_ms=400, **worker, **task),
        line("01.600", unit_id=WORKER, event="step.end", flow="order", step="charge", outcome="ok",
             duration_ms=12.5),
        line("01.750", **worker, **task, **(end | {"outcome": "error", "error": "CardError: no"}),
             duration_ms=250, queue_ms=400),
    ])  # fmt: skip


def page_of(tmp_path: Path, text: str, *options: str) -> tuple[str, dict[str, Any]]:
    """Write logs, make the page, and return it with its data."""
    tmp_path.joinpath("web.log").write_text(f"{text}\n", "utf-8")
    page = tmp_path / "page.html"
    out_of("html", tmp_path / "web.log", "-o", page, *options)
    html = page.read_text("utf-8")
    found = _data.search(html)
    assert found is not None
    return html, json.loads(found[1])


def test_page_tells_the_story_of_each_operation(tmp_path: Path) -> None:
    """Units stand in the order of cause and effect, with durations, queue time and lines."""
    _, data = page_of(tmp_path, order())

    ((flow_id, entry, state, started, duration),) = data["operations"]
    ((rows, clocks),) = data["stories"]
    assert (flow_id, entry, state) == (ID, "/orders", "error")
    assert (started, duration, clocks) == ("2026-09-21T14:13:01.000000Z", 750.0, [])
    web, worker = rows
    assert web[:2] + web[4:8] == [0, "POST /orders", "ok", 0.0, 200.0, None]
    assert worker[:2] + worker[4:10] == [
        *(1, "shop.charge", "error", 500.0, 250.0, 400.0, 0, "CardError: no")
    ]
    assert web[10][0] == [0.0, "INFO", "shop", "order received"]


def test_a_task_that_never_started_is_on_the_page(tmp_path: Path) -> None:
    """A publish without a start is a row of its own."""
    lines = "\n".join(order().splitlines()[:3])
    _, data = page_of(tmp_path, lines)

    rows = data["stories"][0][0]
    assert [(row[1], row[4]) for row in rows] == [
        ("POST /orders", "ok"),
        ("shop.charge", "not started"),
    ]


def test_figures_count_flows_routes_and_tasks(tmp_path: Path) -> None:
    """Each has its count, errors, median and 95th percentile, in milliseconds."""
    _, data = page_of(tmp_path, order())

    assert data["figures"] == [
        ["/orders", "", 1, 0, 200.0, 200.0],
        ["order", "charge", 1, 0, 12.5, 12.5],
        ["shop.charge", "", 1, 1, 250.0, 250.0],
    ]


def test_hostile_text_is_data_alone(tmp_path: Path) -> None:
    """What a log line says ends no element, and comes back as it was."""
    html, data = page_of(tmp_path, order(HOSTILE, HOSTILE), "--title", HOSTILE)

    assert html.count("</script>") == 2
    assert "<img" not in html
    assert data["operations"][0][1] == HOSTILE
    assert data["stories"][0][0][0][10][0][3] == HOSTILE


def test_page_allows_nothing_but_its_own_style_and_script(tmp_path: Path) -> None:
    """The policy names their hashes; no address is in the page but the namespace of SVG."""
    html, _ = page_of(tmp_path, order())

    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    given = policy[1].replace("&#39;", "'")
    assert given.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in given
    assert set(re.findall(r"https?://[^\"'\s]*", html)) == {"http://www.w3.org/2000/svg"}


def test_messages_can_be_left_out(tmp_path: Path) -> None:
    """Then no text of a log line is in the page, and it says so."""
    html, data = page_of(tmp_path, order(message="card 4111"), "--no-messages")

    assert "4111" not in html
    assert "The text of log lines was left out." in html
    assert data["stories"][0][0][0][10] == []


def test_older_operations_are_left_out_and_counted(tmp_path: Path) -> None:
    """The limit keeps the newest ones."""
    other = order().replace(ID, "0" * 32).replace("T14:13", "T15:13")
    _, data = page_of(tmp_path, f"{order()}\n{other}", "--limit", "1")

    assert [one[0] for one in data["operations"]] == ["0" * 32]
    assert data["left"] == 1


def test_a_limit_below_one_is_explained(tmp_path: Path) -> None:
    """A page without operations is of no use."""
    done = trace("html", tmp_path, "-o", tmp_path / "page.html", "--limit", "0")

    assert done.returncode == 2
    assert b"argument --limit: '0' is not a positive whole number" in done.stderr


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The message names the file, and nothing is read before."""
    done = trace("html", tmp_path, "-o", tmp_path / "missing" / "page.html")

    assert done.returncode == 2
    assert b"missing" in done.stderr
