"""Identifiers: their form, and that nothing makes them repeat."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import FlowContext, _ids
from headrace.integration.messages import is_valid_id


def test_fresh_ids_are_valid_trace_and_span_ids() -> None:
    """32 and 16 lower-case hex digits (W3C Trace Context), across many refills of the pool."""
    for _ in range(3000):
        assert re.fullmatch(r"[0-9a-f]{32}", _ids.new_correlation_id())
        assert re.fullmatch(r"[0-9a-f]{16}", _ids.new_unit_id())


def test_zero_is_never_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """All zeros is what W3C calls invalid: random bytes that give it are drawn again."""
    draws = [bytes(4096), bytes(16) + b"\x01" * 16 + bytes(4064), b"\x02" * 4096]
    monkeypatch.setattr(os, "urandom", lambda size: draws.pop(0))
    make, _ = _ids._hex_pool(16)
    made = [make() for _ in range(3)]
    assert made == ["02" * 16] * 3


@given(st.text(max_size=200) | st.from_regex(r"\A[A-Za-z0-9._-]{1,140}\n?\Z"))
def test_the_edge_rule_is_what_its_message_says(text: str) -> None:
    """1 to 128 characters from ``A-Z a-z 0-9 . _ -``, the first a letter or digit."""
    rule = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", text)
    assert _ids.is_edge_id(text) == (rule is not None)


@pytest.mark.guarantee(7)
def test_seeding_random_makes_no_id_repeat() -> None:
    """``random.seed()`` of an application or a test has no influence on IDs."""
    made = []
    for _ in range(2):
        random.seed(1)
        made.append([FlowContext().correlation_id for _ in range(600)])
    assert set(made[0]).isdisjoint(made[1])


def _in_child(connection: Any) -> None:
    connection.send([(FlowContext().correlation_id, FlowContext().unit_id) for _ in range(300)])
    connection.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.guarantee(7)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_processes_make_different_ids() -> None:
    """Parent and children that are forked one after another, as prefork servers do, never agree."""
    FlowContext().fork()  # fills the pools
    children = []
    for _ in range(4):
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:  # a prefork server's worker
            made = [f"{FlowContext().correlation_id} {FlowContext().unit_id}" for _ in range(300)]
            with open(sending, "w", encoding="ascii") as file:
                file.write(" ".join(made))
            os._exit(0)
        os.close(sending)
        children.append((child, receiving))
    made = []
    for child, receiving in children:
        with open(receiving, encoding="ascii") as file:
            made += file.read().split()
        os.waitpid(child, 0)
    made += [FlowContext().correlation_id for _ in range(300)]
    made += [FlowContext().unit_id for _ in range(300)]
    assert len(made) == 4 * 600 + 600
    assert len(set(made)) == len(made)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.guarantee(7)
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_of_multiprocessing_make_different_ids(method: str) -> None:
    """However a child process is started, its IDs are its own."""
    context: Any = multiprocessing.get_context(method)
    made: list[str] = [FlowContext().correlation_id]
    for _ in range(2):
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_in_child, args=(sending,))
        process.start()
        made += [each for pair in receiving.recv() for each in pair]
        process.join()
    assert len(made) == 1201
    assert len(set(made)) == len(made)


def test_threads_make_different_ids() -> None:
    """Threads that refill the pool at the same time get no ID twice."""
    made: list[str] = []

    def make() -> None:
        made.extend([FlowContext().correlation_id for _ in range(2000)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16000


@pytest.mark.guarantee(58)
@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9._~:/+=@|-]*", fullmatch=True))
def test_valid_ids_are_those_of_the_rule(text: str) -> None:
    """1 to 256 ASCII characters without surrounding space; few may come first."""
    first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789|"
    letters = first + "._~:/+=@-"
    expected = 1 <= len(text) <= 256 and text[0] in first and all(c in letters for c in text)
    assert is_valid_id(text) is expected


@pytest.mark.parametrize("wrong", [None, 7, b"order-1", ["order-1"], object()])
def test_what_is_no_text_is_no_id(wrong: Any) -> None:
    """Only `str` can be a valid ID."""
    assert not is_valid_id(wrong)
