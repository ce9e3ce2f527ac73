"""`headrace.logging.fork_safe`: a fork while another thread writes a log line."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace._process import fork_safety
from tests.core.flow_kit import run_python

pytestmark = [
    pytest.mark.guarantee(67),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

KIT = """
import gc, io, logging, logging.config, os, signal, sys, threading, time, weakref
from headrace._process import fork_safety
from headrace.logging import fork_safe

fork_safety.PATIENCE = 60  # a thread may be slow
log = logging.getLogger("worker")
log.setLevel("INFO")
log.propagate = False
inside = threading.Event()


class SlowFile(io.FileIO):
    # Called by `flush` of the buffer above, with the buffer's lock held.
    def write(self, data):
        if b"slow" in bytes(data):
            inside.set()
            time.sleep(0.3)
        return super().write(data)


def slow_stream():
    return io.TextIOWrapper(io.BufferedWriter(SlowFile(sys.argv[1], "a")))


def fork(in_child):
    # Returns whether the child has ended on its own.
    child = os.fork()
    if child == 0:
        in_child()
        os._exit(0)
    for _ in range(2500):
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def fork_while_slow(in_child):
    # The fork comes from a thread, while the main thread is inside the stream.
    ended = []

    def supervise():
        inside.wait()
        ended.append(fork(in_child))

    thread = threading.Thread(target=supervise)
    thread.start()
    log.info("a slow line")
    thread.join()
    print("ended" if ended == [True] else "hung")
"""


def run(tmp_path: Path, program: str) -> str:
    """Return the output of `program` in a separate interpreter."""
    return run_python("-c", KIT + program, tmp_path / "log").strip()


def test_a_child_forked_while_a_line_is_written_can_log(tmp_path: Path) -> None:
    """The fork waits until the line is written; both processes' lines are in the file, once."""
    program = """
log.addHandler(logging.StreamHandler(slow_stream()))
fork_safe()
fork_safe()
fork_while_slow(lambda: log.info("from the child"))
"""
    assert run(tmp_path, program) == "ended"
    assert (tmp_path / "log").read_text() == "a slow line\nfrom the child\n"


def test_a_handler_made_later_is_safe_too(tmp_path: Path) -> None:
    """Handlers from before `dictConfig` are covered, although it empties logging's own list."""
    program = """
fork_safe()
log.addHandler(logging.StreamHandler(slow_stream()))
logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
fork_while_slow(lambda: log.info("from the child"))
"""
    assert run(tmp_path, program) == "ended"


def test_two_handlers_on_one_stream(tmp_path: Path) -> None:
    """The child logs with one handler while the parent was writing with the other."""
    program = """
stream = slow_stream()
log.addHandler(logging.StreamHandler(stream))
other = logging.getLogger("other")
other.addHandler(logging.StreamHandler(stream))
fork_safe()
fork_while_slow(lambda: other.error("from the child"))
"""
    assert run(tmp_path, program) == "ended"


def test_a_handler_that_waits_for_a_full_pipe_does_not_keep_the_fork_back(tmp_path: Path) -> None:
    """The child reopens its stream, and its lines arrive once the pipe is read."""
    program = """
fork_safety.PATIENCE = 0.1
reader, writer = os.pipe()
stream = open(writer, "w")
log.addHandler(logging.StreamHandler(stream))
twin = logging.StreamHandler(stream)
fork_safe()
threading.Thread(target=log.info, args=("x" * 1_000_000,), daemon=True).start()
while not log.handlers[0].stream.buffer.raw.fileno() or log.handlers[0].lock.acquire(timeout=0.05):
    log.handlers[0].release()


def in_child():
    drain = lambda: [os.read(reader, 65536) for _ in range(99)]
    threading.Thread(target=drain, daemon=True).start()
    log.info("from the child")
    twin.handle(logging.makeLogRecord({"msg": "from the twin"}))


print(fork(in_child))
os._exit(not sys.stdout.flush() and 0)
"""
    assert run(tmp_path, program) == "True"


def test_dict_config_in_another_thread(tmp_path: Path) -> None:
    """Forks are safe while other threads reconfigure logging and write lines."""
    program = """
fork_safe()
config = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        name: {"class": "logging.FileHandler", "filename": sys.argv[1]} for name in ("a", "b")
    },
    "loggers": {"worker": {"handlers": ["a", "b"]}},
}
done = threading.Event()


def again(action, *args):
    while not done.is_set():
        action(*args)
        time.sleep(0)


threads = [
    threading.Thread(target=again, args=words)
    for words in ((logging.config.dictConfig, config), (log.info, "a line"))
]
for thread in threads:
    thread.start()
print(all(fork(lambda: log.info("from the child")) for _ in range(50)))
done.set()
for thread in threads:
    thread.join()
"""
    assert run(tmp_path, program) == "True"


def test_forks_from_several_threads(tmp_path: Path) -> None:
    """Concurrent forks wait for each other, and each child can log."""
    program = """
log.addHandler(logging.StreamHandler(slow_stream()))
fork_safe()
ended = []
fork_many = lambda: ended.extend(fork(lambda: log.info("from the child")) for _ in range(5))
threads = [threading.Thread(target=fork_many) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(3):
    log.info("a slow line")
for thread in threads:
    thread.join()
print(ended == [True] * 20)
"""
    assert run(tmp_path, program) == "True"


def test_a_signal_while_the_fork_waits_leaves_no_lock_behind(tmp_path: Path) -> None:
    """A signal handler may log or raise during a fork; Python reports and ignores the error."""
    program = """
log.addHandler(logging.StreamHandler(slow_stream()))
fork_safe()
sys.unraisablehook = lambda unraisable: print(unraisable.exc_type.__name__)


main = threading.get_ident()
reached = threading.Event()


def on_signal(*_):
    reached.set()
    log.info("signal")
    raise ValueError("from the signal's handler")


def stay_busy():
    with log.handlers[0].lock:
        inside.set()
        while sys._current_frames()[main].f_code.co_name != "_hold":
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGUSR1)
        reached.wait()


signal.signal(signal.SIGUSR1, on_signal)
slow = threading.Thread(target=stay_busy)
slow.start()
inside.wait()
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
slow.join()
thread = threading.Thread(target=log.info, args=("afterwards",))
thread.start()
thread.join(50)
print(thread.is_alive())
"""
    assert run(tmp_path, program).splitlines() == ["ValueError", "False"]
    assert (tmp_path / "log").read_text().split("\n") == ["signal", "afterwards", ""]


def test_handlers_are_not_kept_alive(tmp_path: Path) -> None:
    """An unreferenced handler is freed, also after a fork."""
    program = """
fork_safe()
handler = logging.StreamHandler(slow_stream())
fork(lambda: None)
handler.stream.close()
kept = weakref.ref(handler)
del handler
gc.collect()
print(kept())
"""
    assert run(tmp_path, program) == "None"


def test_logging_has_what_the_hook_goes_by() -> None:
    """Both names are private in `logging`; without them the hook would silently do nothing."""
    handler = logging.NullHandler()
    assert hasattr(logging, "_lock")
    assert handler not in logging._at_fork_reinit_lock_weakset  # type: ignore[attr-defined]
    real = logging.StreamHandler()
    assert real in logging._at_fork_reinit_lock_weakset  # type: ignore[attr-defined]


# --- the three hooks, called here instead of around a fork ----------------------------------------


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[logging.StreamHandler[io.TextIOWrapper]]:
    """A handler that writes to a file."""
    with (tmp_path / "log").open("w") as stream:
        handler = logging.StreamHandler(stream)
        yield handler
        with handler.stream:
            fork_safety._abandoned.clear()


def can_lock(lock: threading.RLock) -> bool:  # type: ignore[valid-type]
    """Return whether another thread can take `lock` at once."""
    taken: list[bool] = []

    def take() -> None:
        taken.append(lock.acquire(blocking=False))  # type: ignore[attr-defined]
        if taken[0]:
            lock.release()  # type: ignore[attr-defined]

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return taken[0]


def test_locks_of_handlers_are_held_until_the_fork_is_over(
    handler: logging.StreamHandler[io.TextIOWrapper],
) -> None:
    """No other thread can be inside a handler at the fork; afterwards all can."""
    fork_safety._before()
    try:
        assert not can_lock(handler.lock)  # type: ignore[arg-type]
    finally:
        fork_safety._release()
    assert can_lock(handler.lock)  # type: ignore[arg-type]


@pytest.mark.parametrize("blocked", ["handler", "logging"])
def test_a_child_reopens_the_stream_of_a_handler_that_stays_busy(
    blocked: str,
    handler: logging.StreamHandler[io.TextIOWrapper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fork waits no longer than its patience; the child then writes to a new stream."""
    monkeypatch.setattr(fork_safety, "PATIENCE", 0.0)
    monkeypatch.setattr(fork_safety, "_handlers", [handler, logging.NullHandler()])
    monkeypatch.setattr(sys, "stderr", handler.stream)
    lock = handler.lock if blocked == "handler" else logging._lock  # type: ignore[attr-defined]
    taken, done = threading.Event(), threading.Event()

    def stay_inside() -> None:
        with lock:
            taken.set()
            done.wait()

    thread = threading.Thread(target=stay_inside)
    thread.start()
    taken.wait()
    old = handler.stream
    try:
        fork_safety._before()
        fork_safety._after_in_child()
    finally:
        done.set()
        thread.join()
    assert handler.stream is sys.stderr
    assert handler.stream is not old
    assert handler.stream.fileno() == old.fileno()
