"""Damaged logs: whatever a file contains, the counts are right and nothing fails."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from headrace_trace import load
from headrace_trace._command import _options
from tests.trace.log_kit import ID, WEB, line, request, run, trace

if TYPE_CHECKING:
    from pathlib import Path

VALUES: list[Any] = [
    *(None, True, -1, 0, 1e16, 1e300, float("inf"), 2**70, "", "x", "1e16", "-1"),
    *("\x00", "\ud83d", "ä\u202e", "2026-09-21", "{", '{"a"'),
    *([], {}, [[1]], {"id": 1}, {"flow_id": ID}, "9" * 40, "-0", ID, "nan", "Infinity"),
    *("1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "tomorrow"),
    *("-infinity", "294000-01-01T00:00:00Z", 1e11, 253402300799),
]
SIZES: list[Any] = [1e16, 1e300, 4e11, -1, -1e300, "x", "1e300", "9" * 40, 10**400]
TIMES = ["1970-01-01T00:00:00Z", "2026-09-21T14:13:01Z", "9999-12-31T23:59:59Z", "x"]
COMMANDS: list[list[str]] = [
    ["list"],
    ["list", "--json", "--text", "x", "--outcome", "error"],
    ["list", "--since", "10m"],
    ["show", ID],
    ["show", ID, "--json"],
    ["show", ID, "--fields", "flow_id=trace,time=log,unit_id=extra.id"],
    ["audit"],
    ["audit", "--json"],
    ["stats"],
    ["stats", "--json"],
]


def run_all(folder: Path, log: Path) -> None:
    """Run all commands over `log`: none fails, and no table has a number of a hundred digits."""
    graph = folder / "graph.json"
    nodes = [{"id": one, "flow": "order", "name": one, "notes": []} for one in "ab"]
    edges = [{"source": "a", "target": "b"}]
    graph.write_text(json.dumps({"schema": "headrace.graph", "nodes": nodes, "edges": edges}))
    steps = [["audit", "--graph", str(graph)], ["html", "-o", str(folder / "page.html")]]
    for words in COMMANDS + steps:
        done = trace(*words, log)
        assert done.returncode in ({0, 1} if words[0] == "audit" else {0}), (words, done.stderr)
        assert "--json" in words or b"0" * 100 not in done.stdout, words
    for words in (["list"], ["list", "--json"], ["show", ID]):
        with pytest.MonkeyPatch.context() as patch, log.open() as file:
            patch.setattr(_options, "_PAUSE", 0.01)
            done = trace(*words, "--follow", "-", stdin=file)
        assert (done.returncode, done.stderr) == (0, b""), words


def changed(chance: random.Random, text: bytes) -> bytes:
    """Return a line with a field that is missing, repeated, or of another type or value."""
    entry = json.loads(text)
    key = chance.choice([*entry, "labels", "extra", "log", "error", "trace", "service.name"])
    kind = chance.randrange(3)
    if kind == 0:
        entry.pop(key, None)
    else:
        entry[key] = chance.choice(VALUES)
    result = json.dumps(entry, ensure_ascii=chance.random() < 0.5)
    if kind == 2:
        result = result[:-1] + f", {json.dumps(key)}: 5}}"
    return result.encode("utf-8", "surrogatepass") + b"\n"


def damaged(chance: random.Random, text: bytes) -> bytes:
    """Return a line that is cut, or has bytes, another encoding, NUL or a second line in it."""
    at = chance.randrange(len(text))
    start, end = text[:at], text[at:]
    encoding = chance.choice(["utf-16", "utf-32", "cp037", "utf-7"])
    return chance.choice([
        start + b"\n",
        start + chance.randbytes(chance.randrange(9)) + end,
        text.decode().encode(encoding) + b"\n",
        start + b"\x00" * chance.randrange(1, 99) + end,
        start + text,
        b"\xef\xbb\xbf" + text,
        chance.choice([b"\n", b"\r\n", b"\xff\n", b"{}\n", b"[]\n", b"text\n", b"{\n", b"}\n"]),
    ])


def expected(data: bytes) -> tuple[Counter[str], int, int]:
    """Return the lines of each operation, the bad lines and all lines, as Python reads them."""
    counts: Counter[str] = Counter()
    bad = 0
    lines = data.split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines
    for raw in lines:
        text = raw.decode("utf-8", "replace")
        text = text[max(text.find("{"), 0) :]
        try:
            if text.startswith("{") and "\\ud83d" in text:
                raise ValueError("a lone surrogate")
            entry = json.loads(text, parse_constant=str)
            if not isinstance(entry, dict):
                raise ValueError("no object")
        except ValueError:
            bad += bool(text.strip(" \t\r"))
            continue
        found = entry.get("flow_id", entry.get("correlation_id"))
        counts[str(found)] += isinstance(found, str)
    return +counts, bad, len(lines)


@pytest.mark.guarantee(271)
@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", range(20))
def test_counts_of_damaged_logs_are_right(tmp_path: Path, seed: int) -> None:
    """Of thousands of damaged lines, each readable one is counted for its ID, each other as bad."""
    chance = random.Random(seed)
    good = [*(request() + run()).splitlines(True), line(5, "e" * 16, flow_id="0" * 32)]
    lines = [chance.choice(good) for _ in range(1000)]
    lines = [damaged(chance, text) if chance.random() < seed / 40 else text for text in lines]
    data = b"".join(lines)
    (tmp_path / "a.log").write_bytes(data)
    with load([str(tmp_path)]) as logs:
        counts = logs.query("SELECT flow_id, count(*) FROM line WHERE flow_id <> '' GROUP BY 1")
        bad = sum(one.count for one in logs.rejects)
        assert (Counter(dict(counts)), bad, logs.lines) == expected(data)
        assert all(logs.operations())


@pytest.mark.guarantee(271)
@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", range(10))
def test_odd_fields_fail_nothing(tmp_path: Path, seed: int) -> None:
    """Fields that are missing, repeated or of another type fail no command."""
    chance = random.Random(seed)
    good = (request() + run() + run(2, "c" * 16, "b" * 16, retries=1)).splitlines(True)
    lines = good + [changed(chance, chance.choice(good)) for _ in range(300)]
    chance.shuffle(lines)
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(lines))
    run_all(tmp_path, log)
    with load([str(log)]) as logs:
        bad = sum(one.count for one in logs.rejects)
        counted = logs.query("SELECT count(*) FROM line")[0][0]
    assert counted + bad == logs.lines == len(lines)


@pytest.mark.guarantee(271)
@pytest.mark.unmeasured
@pytest.mark.parametrize("is_native", [True, False])
def test_implausible_numbers_count_as_absent(tmp_path: Path, is_native: bool) -> None:
    """Negative or huge durations and numbers fail no command, whatever the times."""
    lines = []
    events = ("unit.start", "unit.end", "step.end")
    for number, (size, time, event) in enumerate(product(SIZES, TIMES, events)):
        unit, task = f"u{number}", {"task_id": f"t{number // 2}", "queue": "q"}
        sizes = dict.fromkeys(("duration_ms", "queue_ms", "retries", "pid", "status"), size)
        facts = {"kind": "task", "name": "t", "outcome": "ok", "causation_id": f"u{number - 5}"}
        where = {"flow": "order", "step": "a", "host": f"h{number % 3}", "time": time}
        shape = {} if is_native else {"logger": None}
        lines.append(line(1, unit, event, **(task | sizes | facts | where | shape)))
        sent = {"task": "t", "task_id": f"s{number}", "queue": "q", "eta": size, "time": time}
        lines.append(line(1, unit, "task.published", **(sent | shape)))
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(lines))
    run_all(tmp_path, log)
    with load([str(log)]) as logs:
        counts = "count(duration_ms), count(queue_ms), count(retries), count(pid), count(status)"
        assert logs.query(f"SELECT {counts} FROM line") == [(0, 0, 0, len(lines) // 2, 0)]
        assert logs.lines == len(lines)


@pytest.mark.guarantee(271)
def test_one_end_without_a_start_fails_nothing(tmp_path: Path) -> None:
    """By its duration, it would have started before any valid time."""
    log = tmp_path / "a.log"
    end = {"kind": "http", "name": "t", "outcome": "ok", "duration_ms": 1e16}
    log.write_bytes(line(1, WEB, "unit.end", **end))
    run_all(tmp_path, log)
    assert trace("audit", log).stdout == b"no case found\n"
    assert b"ok\n" in trace("show", ID, log).stdout


@pytest.mark.guarantee(271)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "shift_jis", "koi8-r", "utf-8"])
def test_characters_that_the_encoding_lacks_are_escaped(tmp_path: Path, encoding: str) -> None:
    """No command fails on such a character, in names, messages and errors."""
    odd = "ä\u2192\u4e2d\U0001f600" * 200
    log = tmp_path / "a.log"
    facts = {"name": odd, "task": odd, "flow": odd, "step": odd, "service": odd, "host": odd}
    lines = [request(**facts), run(**facts, outcome="error", error=odd)]
    lines.append(line(2, WEB, "step.end", message=odd, outcome="ok", **facts))
    log.write_bytes(b"".join(lines))
    for words in (*COMMANDS, ["html", "-o", str(tmp_path / "page.html")]):
        done = trace(*words, log, encoding=encoding)
        assert done.returncode in ({0, 1} if words[0] == "audit" else {0}), (words, done.stderr)
        done.stdout.decode(encoding)
    told = trace("show", ID, log, encoding=encoding).stdout.decode(encoding)
    assert ("\\U0001f600" in told) == (encoding != "utf-8")
    assert ("####" in told, "\u2588" in told) == (encoding != "utf-8", encoding == "utf-8")
