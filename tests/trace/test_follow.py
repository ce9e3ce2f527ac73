"""``--follow``: list and show live, as lines arrive, over rotations."""

from __future__ import annotations

import gzip
import json
import os
import pty
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from headrace_trace._command import _options
from headrace_trace._reading import Batch, Follower
from tests.trace.log_kit import ID, WEB, line, request, run, start, trace

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60  # seconds


class Running:
    """A command that goes on, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.lines.append(text.decode())

    def wait_for(self, found: Callable[[str], bool]) -> str:
        """Return the first line that is the one looked for, once it is there."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            for text in list(self.lines):
                if found(text):
                    return text
            time.sleep(0.05)
        raise AssertionError(f"not found in {self.lines}")

    def stop(self) -> tuple[int, bytes]:
        """Interrupt the command; return its status and what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stderr is not None
        return status, self.process.stderr.read()


@contextmanager
def running(*words: object, stdin: int | None = None) -> Iterator[Running]:
    """Start ``headrace trace`` for the length of the block."""
    signals = signal.default_int_handler  # a shell's background job may ignore interrupts
    with start(*words, stdin=stdin, preexec_fn=lambda: signal.signal(signal.SIGINT, signals)) as it:
        command = Running(it)
        try:
            yield command
        finally:
            if it.poll() is None:
                it.kill()
            command.stop()


def append(log: Path, data: bytes) -> None:
    """Append `data` to the file `log`, as a program that logs does."""
    with log.open("ab") as file:
        file.write(data)


def test_list_follows_files_as_they_grow(tmp_path: Path) -> None:
    """An operation is printed when it appears, and again when its state changes."""
    log = tmp_path / "app.log"
    log.write_bytes(request() + run(outcome=None))
    with running("list", "--follow", "--json", tmp_path) as command:
        command.wait_for(lambda text: json.loads(text)["state"] == "open")
        end = run(outcome="error").splitlines(True)[1]
        append(log, end[:40])
        append(log, end[40:])
        entry = json.loads(command.wait_for(lambda text: json.loads(text)["state"] == "error"))
        assert entry["lines"] == 4
        (tmp_path / "other.log").write_bytes(line(9, "e" * 16, flow_id="0" * 32))
        command.wait_for(lambda text: json.loads(text)["flow_id"] == "0" * 32)
        assert command.stop() == (0, b"")


@pytest.mark.guarantee(274)
def test_show_follows_over_a_rotation(tmp_path: Path) -> None:
    """Lines written before, during and after the renaming of the file are each printed once."""
    log = tmp_path / "app.log"
    log.write_bytes(line(1, WEB, message="one"))
    with running("show", ID, "--follow", tmp_path) as command, log.open("ab") as old:
        command.wait_for(lambda text: text.endswith(" INFO one\n"))
        log.rename(tmp_path / "app.log.1")
        old.write(line(2, WEB, message="two"))
        old.flush()
        log.write_bytes(line(3, WEB, message="three"))
        append(log, line(4, WEB, message="four"))
        command.wait_for(lambda text: text.endswith(" INFO four\n"))
        assert command.stop()[0] == 0
        assert [text.split()[-1] for text in command.lines] == ["one", "two", "three", "four"]


def test_standard_input_is_followed_to_its_end() -> None:
    """What comes through a pipe is shown as it comes; the command ends when the pipe does."""
    source, sink = os.pipe()
    with running("show", ID[:9], "--follow", "-", stdin=source) as command:
        os.close(source)
        os.write(sink, line(1, WEB, message="one")[:50])
        time.sleep(1)
        os.write(sink, line(1, WEB, message="one")[50:] + line(2, WEB, message="two"))
        command.wait_for(lambda text: text.endswith(" INFO two\n"))
        os.write(sink, line(3, WEB, message="three").rstrip())
        os.close(sink)
        assert command.process.wait(PATIENCE) == 0
    assert [text.split()[-1] for text in command.lines] == ["one", "two", "three"]


@pytest.mark.parametrize("words", [["list"], ["show", ID]], ids=["list", "show"])
def test_terminal_is_redrawn(tmp_path: Path, words: list[str]) -> None:
    """On a terminal the list and the story stand in place and change there."""
    log = tmp_path / "app.log"
    log.write_bytes(request() + run(outcome=None))
    screen, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200", "LINES": "40"}
    options = {"stdin": terminal, "stdout": terminal, "stderr": terminal, "env": environment}
    with start(*words, "--follow", log, **options) as process:
        os.close(terminal)
        try:
            until(screen, "/orders")
            append(log, run(outcome="error").splitlines(True)[1])
            until(screen, "error")
        finally:
            process.send_signal(signal.SIGINT)
            drain(screen)
            process.wait(PATIENCE)
    assert process.returncode == 0


def until(screen: int, text: str) -> None:
    """Read from a terminal until `text` has appeared."""
    seen = ""
    while text not in seen:
        assert select.select([screen], [], [], PATIENCE)[0], seen
        data = os.read(screen, 1 << 16)
        assert data, seen
        seen += data.decode()


def drain(screen: int) -> None:
    """Read what a command still writes, so that it can end."""

    def read() -> None:
        try:
            while os.read(screen, 1 << 16):
                pass
        except OSError:
            os.close(screen)

    threading.Thread(target=read).start()


@pytest.mark.parametrize("color", ["", "1"], ids=["pipe", "terminal"])
@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["show", ID]])
def test_closed_input_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], color: str
) -> None:
    """What standard input held is shown, in place on a terminal; then the command ends."""
    (tmp_path / "all.log").write_bytes(request() + run())
    if color:
        monkeypatch.setenv("FORCE_COLOR", color)
    else:
        monkeypatch.delenv("FORCE_COLOR", raising=False)  # old versions of rich take "" for yes
    monkeypatch.setattr(_options, "_PAUSE", 0.01)
    with (tmp_path / "all.log").open() as file:
        done = trace(*words, "--follow", "-", stdin=file)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = b"/orders" if words == ["list"] or color else b"unit.end"
    assert (ID.encode() if "--json" in words else shown) in done.stdout


def texts(news: list[tuple[int, Iterator[Batch]]]) -> list[tuple[int, int, bytes]]:
    """Return the index of the file, the number and the text of each new line."""
    return [
        (file, number, text)
        for file, batches in news
        for batch in batches
        for number, text in zip(batch.numbers, batch.text.splitlines(), strict=True)
    ]


def test_truncated_file_is_read_from_its_start(tmp_path: Path) -> None:
    """After copytruncate the file is read anew, and its copy is not."""
    log = tmp_path / "app.log"
    log.write_bytes(b"one\ntwo\nthree\n")
    with Follower([str(tmp_path)]) as follower:
        assert [text for _, _, text in texts(follower.poll())] == [b"one", b"two", b"three"]
        (tmp_path / "app.log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        assert texts(follower.poll()) == []
        append(log, b"four\n")
        assert texts(follower.poll()) == [(0, 1, b"four")]


@pytest.mark.guarantee(274)
def test_incomplete_line_waits_for_its_end(tmp_path: Path) -> None:
    """A line is given once it is whole; its number counts on."""
    log = tmp_path / "app.log"
    log.write_bytes(b"one\ntw")
    with Follower([str(log)]) as follower:
        assert texts(follower.poll()) == [(0, 1, b"one")]
        append(log, b"o")
        assert texts(follower.poll()) == []
        append(log, b"\nthree\n")
        assert texts(follower.poll()) == [(0, 2, b"two"), (0, 3, b"three")]


def test_file_may_be_missing_between_the_steps_of_a_rotation(tmp_path: Path) -> None:
    """While the renamed file has no successor, it is read on."""
    log = tmp_path / "app.log"
    log.write_bytes(b"one\n")
    with Follower([str(log), str(tmp_path / "*.log")]) as follower:
        assert texts(follower.poll()) == [(0, 1, b"one")]
        log.rename(tmp_path / "app.log.1")
        append(tmp_path / "app.log.1", b"two\nthr")
        assert texts(follower.poll()) == [(0, 2, b"two")]
        log.write_bytes(b"four\n")
        assert texts(follower.poll()) == [(0, 3, b"thr"), (0, 1, b"four")]


def test_compressed_files_are_read_once(tmp_path: Path) -> None:
    """An archive among the files is read whole at first and left alone afterwards."""
    (tmp_path / "old.gz").write_bytes(gzip.compress(b"one"))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(999))[:-9])
    with Follower([str(tmp_path)]) as follower:
        first = [batch for _, batches in follower.poll() for batch in batches]
        assert [batch.text for batch in first if batch.lines and b"one" in batch.text] == [b"one"]
        assert [batch.broken.partition(":")[0] for batch in first if batch.broken] == ["EOFError"]
        assert [batch for _, batches in follower.poll() for batch in batches] == []
