"""What ``headrace trace`` reads: files of all kinds, and files that are damaged."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from headrace_trace import load
from headrace_trace._reading import LineReader, Source
from tests.trace.log_kit import (
    COMMAND,
    ID,
    WEB,
    WORKER,
    line,
    out_of,
    request,
    run,
    story,
    trace,
)

if TYPE_CHECKING:
    from pathlib import Path

LINE = line(1, WEB, message="here")


def messages(*logs: object, stdin: bytes = b"") -> list[str]:
    """Return the messages of the operation's lines."""
    told = story(ID, *logs, stdin=stdin)
    return [
        one["message"]
        for node in told["nodes"]
        for unit in node["attempts"]
        for one in unit["lines"]
    ]


def rejects(*logs: Path) -> list[tuple[str, str, int, list[int]]]:
    """Return what could not be read, with the files by their names."""
    with load(map(str, logs)) as read:
        return [
            (one.file.rpartition("/")[2], one.reason, one.count, one.numbers)
            for one in read.rejects
        ]


def test_compressed_files_are_read(tmp_path: Path) -> None:
    """Gzip and Zstandard are recognised by their content, in one or several frames."""
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(LINE) + gzip.compress(LINE))
    frame = zstandard.ZstdCompressor().compress(LINE)
    (tmp_path / "a.log.2").write_bytes(frame + frame)
    assert messages(tmp_path) == ["here"] * 4
    assert messages("-", stdin=gzip.compress(LINE)) == ["here"]


@pytest.mark.parametrize("kept", [4, 9, 0.3, -1])
def test_truncated_zstandard_frame_is_reported(tmp_path: Path, kept: float) -> None:
    """What is left of it is read, as are the frames before it, also from standard input."""
    numbered = b"".join(line(number, WEB, message="here") for number in range(20_000))
    frame, skipped = zstandard.compress(numbered), b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    cut = frame[: int(len(frame) * kept) if isinstance(kept, float) else kept]
    (tmp_path / "a.zst").write_bytes(zstandard.compress(LINE) + skipped + cut)
    (tmp_path / "b.zst").write_bytes(zstandard.compress(LINE) + zstandard.compress(b"") + skipped)
    done = trace("list", tmp_path)
    assert "a.zst: the file ends early: EOFError" in done.stderr.decode()
    assert "b.zst" not in done.stderr.decode()
    assert "-: the file ends early: EOFError" in trace("list", "-", stdin=cut).stderr.decode()
    assert len(messages(tmp_path)) >= 2


def test_small_file_that_becomes_large_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """256 MiB without a line break, in 8 KiB, are one line that is too long."""
    log = tmp_path / "a.zst"
    log.write_bytes(zstandard.compress(LINE) + zstandard.compress(bytes(1 << 28)))
    stream = Source(str(log)).open()
    with closing(LineReader(stream)) as reader:
        batches = list(reader.read())
    assert max(len(batch.text) for batch in batches) < 40 << 20
    assert [number for batch in batches for number in batch.too_long] == [2]


def test_folders_patterns_and_files_are_read_once(tmp_path: Path) -> None:
    """A folder stands for all files below it that are not hidden; no file is read twice."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    for name in ("a.log", "deep/er/b.log", ".c.log", ".hidden/d.log"):
        (tmp_path / name).write_bytes(line(1, WEB, message=name))
    assert sorted(messages(tmp_path, tmp_path / "a.log")) == ["a.log", "deep/er/b.log"]
    assert messages(tmp_path / "**" / "b*") == ["deep/er/b.log"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("https://example.org/a.log", "https://example.org/a.log is a URL"),
        ("s3://bucket/a.log", "s3://bucket/a.log is a URL"),
        ("missing.log", "there is no file, folder or match of missing.log"),
        ("missing*", "there is no file, folder or match of missing*"),
    ],
)
def test_what_cannot_be_read_is_named(word: str, message: str) -> None:
    """A URL is refused, a missing file is named; the status is 2."""
    done = trace("list", word)
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"headrace: {message}")


@pytest.mark.parametrize("names", [["a.log", "socket"], ["socket", "a.log"]])
def test_file_that_cannot_be_opened_is_named(tmp_path: Path, names: list[str]) -> None:
    """What exists and cannot be opened ends the command, wherever it stands among the others."""
    (tmp_path / "a.log").write_bytes(LINE)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        done = trace("list", *(tmp_path / name for name in names))
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"headrace: cannot read {tmp_path / 'socket'}: ")


def test_closed_standard_input_is_explained(tmp_path: Path) -> None:
    """Where there is no standard input, reading it says so."""
    command = 'exec "$0" -m headrace trace list - <&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (2, b"headrace: standard input is closed\n")


@pytest.mark.parametrize(
    "text",
    [
        LINE.replace(b"\n", b"\r\n"),
        LINE.rstrip(b"\n"),
        b"\xef\xbb\xbf" + LINE,
        b"\x00" * 5000 + LINE,
        b"web-1  | " + LINE,
        b"2026-09-21T14:13:00.000000000Z stderr F " + LINE,
        json.dumps({"log": LINE.decode(), "stream": "stderr"}, separators=(",", ":")).encode(),
        b"\n \n\t\r\n" + LINE + b"\n\n",
    ],
    ids=["crlf", "no line break", "bom", "nul", "compose", "kubernetes", "docker", "blank lines"],
)
def test_wrapping_of_lines_is_removed(tmp_path: Path, text: bytes) -> None:
    """What editors, rotations and container runtimes put around a line hides none."""
    (tmp_path / "a.log").write_bytes(text)
    assert messages(tmp_path) == ["here"]
    assert rejects(tmp_path) == []


def test_bad_bytes_are_replaced(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 become U+FFFD; the line counts."""
    (tmp_path / "a.log").write_bytes(LINE.replace(b"here", b"h\xffr\xe9") + LINE)
    assert messages(tmp_path) == ["h\ufffdr\ufffd", "here"]


def test_lines_that_are_no_json_are_counted_with_their_place(tmp_path: Path) -> None:
    """Truncated lines, text, other values and NUL are counted, file by file; the rest is read."""
    bad = [b"Traceback (most recent call last):\n", LINE[:50] + b"\n", b"[1]\n", b"null\n", b"7\n"]
    bad += [LINE.replace(b"here", b"he\x00re"), b'{"a": {1}}\n', b"{}{}\n"]
    (tmp_path / "a.log").write_bytes(LINE + b"".join(bad) + LINE)
    (tmp_path / "b.log").write_bytes(b"text {with braces}\n" * 20)
    assert messages(tmp_path) == ["here", "here"]
    assert rejects(tmp_path) == [
        ("a.log", "not a JSON object", 8, [2, 3, 4, 5, 6, 7, 8, 9]),
        ("b.log", "not a JSON object", 20, [*range(1, 11)]),
    ]
    told = trace("list", tmp_path).stderr.decode()
    assert "a.log: 8 lines skipped, not a JSON object (lines 2, 3, 4, ...)" in told


def test_values_of_other_types_are_taken_as_they_are(tmp_path: Path) -> None:
    """A number where a text was is text; a text where a number was is no number; nothing fails."""
    odd: dict[str, Any] = {"message": 7, "flow": ["a"], "step": {"b": 1}, "pid": "x", "host": True}
    odd |= {"duration_ms": "long", "status": 1.5e300, "redelivered": "perhaps", "kind": 1}
    (tmp_path / "a.log").write_bytes(line(1, WEB, "unit.end", **odd))
    (node,) = story(ID, tmp_path)["nodes"]
    (unit,) = node["attempts"]
    assert (unit["flow"], unit["kind"], unit["host"]) == ('["a"]', "1", "true")
    assert [unit[name] for name in ("pid", "duration_ms", "status", "redelivered")] == [None] * 4
    assert unit["lines"][0]["message"] == "7"


@pytest.mark.parametrize("time", ["", "soon", None, -1, 1e300, "9999999-01-01", "NaN", [], {}])
def test_time_that_is_none_keeps_the_line(tmp_path: Path, time: Any) -> None:
    """A line whose time cannot be read is shown without one."""
    entry = json.loads(LINE) | {"time": time}
    (tmp_path / "a.log").write_bytes(json.dumps(entry).encode())
    (node,) = story(ID, tmp_path)["nodes"]
    assert node["attempts"][0]["started"] is None
    assert "here" in out_of("show", ID, tmp_path)
    assert ID in out_of("list", tmp_path)


def test_truncated_archives_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    """What precedes the damage is read, and the damage is named."""
    lines = b"".join(line(n, WEB, message=f"{n} {WORKER * n}") for n in range(50))
    (tmp_path / "a.gz").write_bytes(gzip.compress(lines)[:-20])
    (tmp_path / "b.zst").write_bytes(b"\x28\xb5\x2f\xfdgarbage")
    assert len(messages(tmp_path)) >= 1
    told = trace("list", tmp_path).stderr.decode()
    assert "a.gz: the file ends early: EOFError" in told
    assert "b.zst: the file ends early: ZstdError" in told


@pytest.mark.guarantee(271)
def test_line_of_100_mb_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    """It is counted with its number, its neighbours are read, and it is never held whole."""
    log = tmp_path / "a.log"
    with log.open("wb") as file:
        file.write(LINE + b'{"message": "')
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + LINE + LINE[:-2] + b" " * (3 << 19) + b"}\n" + LINE)
    # From a small process: the memory of this one would count as that of its children.
    measure = (
        "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True)\n"
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
    )
    command = (sys.executable, "-c", measure, *COMMAND, "show", "--json", ID, str(log))
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout.count(b'"message": "here"') == 3
    assert int(done.stderr.split()[-1]) < 300 * 1024, "KiB"
    assert rejects(log) == [("a.log", "longer than 1 MiB", 2, [2, 4])]


def test_long_lines_at_the_limit_are_read(tmp_path: Path) -> None:
    """A line of exactly 1 MiB is read, wherever the reader's blocks end; a longer one is not."""
    filling = (1 << 20) - len(line(1, WEB, message=""))
    exact, longer = (line(1, WEB, message="x" * (filling + more)) for more in (0, 1))
    (tmp_path / "a.log").write_bytes(exact * 9 + longer + exact)
    assert [len(text) for text in messages(tmp_path)] == [filling] * 10
    assert rejects(tmp_path) == [("a.log", "longer than 1 MiB", 1, [10])]


def test_many_files_need_few_descriptors(tmp_path: Path) -> None:
    """More files than a process may open at a time are read one after the other."""
    for n in range(300):
        (tmp_path / f"{n}.log").write_bytes(line(n, WEB) if n % 2 else b"text\n")
    command = f'ulimit -n 64; exec {" ".join(COMMAND)} list --json "$0"'
    done = subprocess.run(["sh", "-c", command, tmp_path], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["lines"] == 150


def test_show_reads_only_what_names_the_id(tmp_path: Path) -> None:
    """All lines are counted; those of other operations are not decoded, nor judged."""
    log = tmp_path / "a.log"
    log.write_bytes(
        b"no JSON\n" + line(1, WEB, flow_id="0" * 32) + request() + run() + LINE[:-9] + b"\n"
    )
    told = story(ID, log)
    assert told["lines_read"] == 7
    reject = {"file": str(log), "reason": "not a JSON object", "count": 1, "numbers": [7]}
    assert told["rejects"] == [reject]
