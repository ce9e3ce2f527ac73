"""Secrets: the value of a redacted key appears nowhere."""

from __future__ import annotations

import collections
import copy
import json
import logging
import re
import traceback
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace
import headrace.testing
from headrace import Chain, StepFailedError, ValidationFailedError
from headrace._process.testing import no_waiting
from headrace._redaction.rules import MASK, Redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chains.runners import Runner

SECRET = "hunter2\"'\n\\ü"  # quoted differently by Python and by JSON


@dataclass
class Login:
    user: str
    password: str


class Pair(NamedTuple):
    user: str
    password: str


HOLDERS: list[Any] = [
    {"password": SECRET},
    {"deep": [{"deeper": ({"password": SECRET},)}]},
    {"password": {"current": SECRET, "old": ["x", SECRET]}},
    Login("ada", SECRET),
    [Pair("ada", SECRET)],
    MappingProxyType({"password": SECRET}),
    collections.OrderedDict(password=SECRET),
    {"password": SECRET.encode()},
]


def no_trace_of(secret: str, text: str) -> bool:
    """Tell whether neither the secret nor its beginning can be read in the text."""
    return secret not in text and "hunter2" not in text


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("template", ["{holder}", "{result}", "{echo}", "{holder.password}"])
def test_a_log_line_shows_no_secret(
    runner: Runner, caplog: pytest.LogCaptureFixture, holder: Any, template: str
) -> None:
    """At any depth, in any kind of container, under another name, or asked for by name."""
    caplog.set_level(logging.DEBUG)
    chain = runner.chain(redact=["password"])
    chain.next(runner.fn(lambda holder: holder), out="made", args=["holder"], log_fmt=template)
    result = runner.run(chain, holder=holder, echo=SECRET)
    assert no_trace_of(SECRET, caplog.text)
    assert no_trace_of(SECRET, repr(result))
    assert result["holder"] is holder


def test_named_keys_are_masked_in_the_line(runner: Runner, lines: Any) -> None:
    """The rest of the value stays readable."""
    chain = runner.chain(redact=["password", "token"])
    chain.next(runner.fn(lambda: None), log_fmt="{login} {password} {login.token} {tokens}")
    runner.run(chain, login={"user": "ada", "password": "x1x2", "token": 5}, password="y", tokens=3)
    assert lines() == [
        ("INFO", '{"user": "ada", "password": "***", "token": "***"} *** *** 3'),
    ]


def test_keys_match_exactly(runner: Runner, lines: Any) -> None:
    """Neither parts of names nor other cases."""
    chain = runner.chain(redact=["password"]).next(runner.fn(lambda: None), log_fmt="{login}")
    runner.run(chain, login={"Password": "a", "passwords": "b", 5: "c"})
    assert lines() == [("INFO", '{"Password": "a", "passwords": "b", "5": "c"}')]


def test_cycles_do_no_harm(runner: Runner, lines: Any) -> None:
    """Neither to the line nor to the search for secrets."""
    login: dict[str, Any] = {"password": "hunter2"}
    login["self"] = [login]
    chain = runner.chain(redact=["password"]).next(runner.fn(lambda: None), log_fmt="{login}")
    runner.run(chain, login=login)
    assert lines() == [("INFO", '{"password": "***", "self": ["<cycle>"]}')]


@pytest.mark.parametrize("holder", HOLDERS)
def test_errors_reports_and_lines_show_no_secret(
    runner: Runner, caplog: pytest.LogCaptureFixture, holder: Any
) -> None:
    """Not even where the step's own error tells it; the original is the cause, unchanged."""
    caplog.set_level(logging.DEBUG)
    headrace.configure(backend="logging")

    def log_in(holder: Any) -> None:
        raise ValueError(f"wrong: {SECRET} in {holder!r}")

    def undo(result: Any) -> None:
        raise OSError(f"cannot undo {SECRET}")

    def hook(**_: Any) -> None:
        raise KeyError(SECRET)

    names = ("before_step", "after_step", "on_retry")
    chain = runner.chain("login", redact=["password"], **dict.fromkeys(names, hook))
    chain.next(runner.fn(lambda: 1), undo=runner.fn(undo), name="a")
    chain.next(runner.fn(log_in), name="b", args=["holder"], retries=1)
    with no_waiting(), pytest.raises(StepFailedError) as caught:
        runner.run(chain, holder=holder)
    error = caught.value
    texts = [str(error), repr(error), error.reason, str(error.result.report), repr(error.result)]  # type: ignore[union-attr]
    assert all(no_trace_of(SECRET, text) for text in texts)
    assert no_trace_of(SECRET, caplog.text)
    assert MASK in str(error)
    assert SECRET in str(error.__cause__)
    assert "error after" in caplog.text


def test_a_rejected_result_shows_no_secret(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """Though it never came into the context."""
    caplog.set_level(logging.DEBUG)

    def complain(result: dict[str, str]) -> None:
        raise ValueError(f"bad: {result}")

    chain = runner.chain(redact=["password"])
    chain.next(runner.fn(lambda: {"password": SECRET}), out="login", validate=complain)
    with pytest.raises(ValidationFailedError) as caught:
        runner.run(chain)
    assert no_trace_of(SECRET, str(caught.value))
    assert no_trace_of(SECRET, caplog.text)


def test_a_secret_output_is_hidden_from_the_undo_of_its_step(runner: Runner, lines: Any) -> None:
    """A step without a place in the context has a result all the same."""

    def undo(result: str) -> None:
        raise OSError(f"cannot undo {result}")

    def fail() -> None:
        raise ValueError("boom")

    chain = runner.chain(redact=["password"])
    chain.next(runner.fn(lambda: "hunter2"), out="password", undo=runner.fn(undo))
    chain.next(runner.fn(lambda: "other"), out="password", overwrite=True)
    with pytest.raises(StepFailedError):
        runner.run(chain.next(runner.fn(fail)))
    assert all("hunter2" not in text for _, text in lines())


def test_a_secret_in_a_branch_is_hidden_by_the_chain(runner: Runner, lines: Any) -> None:
    """A branch hides what the chain hides, and what it hides itself."""

    def fail(*secrets: str) -> None:
        raise ValueError(" ".join(secrets))

    branch = runner.chain(redact=["pin"]).put("pin", "4711")
    branch.next(runner.fn(fail), name="b", args=["password", "pin"], log_fmt="{password}")
    with pytest.raises(StepFailedError) as caught:
        runner.run(runner.chain(redact=["password"]).parallel(branch), password="hunter2")
    assert str(caught.value) == "step 'b' failed: ValueError: *** ***"
    assert lines() == [("ERROR", str(caught.value))]


@pytest.mark.parametrize("secret", ["a", "ab", "abc", 1234, 3.25, b"bytes", Decimal("4.5")])
def test_other_kinds_of_values_are_secrets_too(runner: Runner, secret: Any) -> None:
    """Numbers and bytes; and a secret that is a part of another one leaves nothing of it."""

    def fail() -> None:
        raise ValueError(f"<{secret}>" if not isinstance(secret, bytes) else f"<{secret.decode()}>")

    chain = runner.chain(redact=["s", "t"]).next(runner.fn(fail), name="n")
    with pytest.raises(StepFailedError, match=r"<\*\*\*>$"):
        runner.run(chain, s=secret, t=["abcd", None, True, ""])


def test_a_function_redacts_every_line(runner: Runner, lines: Any) -> None:
    """Whatever is logged goes through it."""

    def fail() -> None:
        raise ValueError("card 4711")

    chain = runner.chain(redact=lambda line: line.replace("4711", "####"))
    chain.next(runner.fn(lambda: "4711"), out="card", log_fmt="paid with {card}")
    chain.next(runner.fn(fail), name="pay", retries=1)
    with no_waiting(), pytest.raises(StepFailedError):
        runner.run(chain)
    assert lines() == [
        ("INFO", "paid with ####"),
        (
            "WARNING",
            "step 'pay': attempt 1 failed, retrying in 0 s: ValueError: card ####",
        ),
        ("ERROR", "step 'pay' failed after 2 attempts: ValueError: card ####"),
    ]


def test_a_redaction_that_raises_leaves_the_line_out(runner: Runner, lines: Any) -> None:
    """A line less is better than a secret more."""
    chain = runner.chain(redact=lambda line: 1 / 0)
    chain.next(runner.fn(lambda: "4711"), out="card", log_fmt="paid with {card}")
    assert runner.run(chain)["card"] == "4711"
    assert lines() == [("ERROR", "redact raised ZeroDivisionError; a log line was dropped")]


def test_a_complaint_has_a_traceback_only_where_nothing_is_hidden(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """A traceback shows the text of the exception, which may be a secret."""

    def hook(**_: Any) -> None:
        raise KeyError("x")

    for options, has_traceback in (({}, True), ({"redact": ["a"]}, False)):
        caplog.clear()
        runner.run(runner.chain(before_step=hook, **options).next(runner.fn(lambda: 1)))
        (record,) = caplog.records
        assert (record.exc_info is not None) is has_traceback


def test_backends_get_the_original_error_where_nothing_is_hidden(runner: Runner) -> None:
    """And an error without secrets where something is."""

    def fail() -> None:
        raise ValueError("pin 4711")

    for options, shown in (({}, ValueError), ({"redact": ["pin"]}, StepFailedError)):
        with headrace.testing.capture() as captured, pytest.raises(StepFailedError):
            runner.run(runner.chain(**options).put("pin", 4711).next(runner.fn(fail), name="a"))
        assert type(captured.steps[0].error) is shown
        assert ("4711" in str(captured.steps[0].error)) is (shown is ValueError)


def test_an_error_that_cannot_be_shown_is_named(runner: Runner) -> None:
    """The failure of a step does not fail for that."""

    class ShyError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail() -> None:
        raise ShyError

    with pytest.raises(StepFailedError, match=r"step 'a' failed: ShyError$"):
        runner.run(runner.chain().next(runner.fn(fail), name="a"))


def test_attrs_pydantic_and_msgspec_records_are_looked_into() -> None:
    """Told by their field lists, without importing any of them."""

    class Field(NamedTuple):
        name: str

    class Attrs:
        __attrs_attrs__ = (Field("password"),)
        password = "hunter2"

    class Pydantic:
        model_fields = MappingProxyType({"password": None})
        password = "hunter2"

    class Msgspec:
        __struct_fields__ = ("password",)
        password = "hunter2"

    for record in (Attrs(), Pydantic(), Msgspec()):
        assert Redaction(frozenset(["password"])).blot("hunter2", {"r": record}) == MASK


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "password"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(tree=values, text=st.text(max_size=20))
def test_no_secret_survives_blotting(tree: Any, text: str) -> None:
    """For random values, no secret remains as a token, and no longer secret remains anywhere."""

    def leaves(value: Any, is_secret: bool) -> list[str]:
        if isinstance(value, dict):
            return [x for k, v in value.items() for x in leaves(v, is_secret or k == "password")]
        if isinstance(value, list):
            return [x for v in value for x in leaves(v, is_secret)]
        hidden = is_secret and not isinstance(value, bool) and value not in (None, "")
        return [str(value)] if hidden else []

    secrets = leaves(tree, False)
    redaction = Redaction(frozenset(["password"]))
    for whole in (f"{text} {tree!r} {secrets}", json.dumps([tree, text, secrets]), str(secrets)):
        left = redaction.blot(whole, tree)
        assert not [
            secret
            for secret in secrets
            if (len(secret) >= 4 and any(secret in part for part in left.split(MASK)))
            or re.search(rf"(?<![\w*]){re.escape(secret)}(?![\w*])", left.replace(MASK, "*"))
        ]


@given(tree=values)
def test_plain_values_are_json_and_masked(tree: Any) -> None:
    """A copy that JSON can take, in which no named key has its value; the original is unchanged."""
    before = copy.deepcopy(tree)
    plain = Redaction(frozenset(["password"])).plain(tree)
    text = json.dumps(plain)
    assert tree == before
    assert text.count('"password": "***"') == text.count('"password":')


def test_chains_without_redaction_show_everything() -> None:
    """Nothing is hidden that nobody asked to hide."""
    assert repr(Chain().put("password", "x").run()) == "{'password': 'x'}"


def test_backends_are_told_no_secret_by_the_cause_of_an_error() -> None:
    """Spans and units, also those around the chain, see the error without what it came from."""
    told: list[str] = []

    @contextmanager
    def note() -> Iterator[None]:
        try:
            yield
        except BaseException as exc:
            told.append("".join(traceback.format_exception(exc)))
            raise

    class Backend:
        def span(self, _step: object, _context: object) -> AbstractContextManager[None]:
            return note()

        def unit(self, _context: object) -> AbstractContextManager[None]:
            return note()

    def log_in(password: str) -> None:
        raise ValueError(f"wrong: {password}")

    chain = Chain("redacted.cause", redact=["password"]).next(log_in, args=["password"])
    around = headrace.entrypoint("redacted.around", name="around")(
        lambda: chain.run(password="hunter2")
    )
    headrace.configure(Backend())
    try:
        with pytest.raises(StepFailedError) as caught:
            around()
    finally:
        headrace.configure()
    assert len(told) >= 3
    assert not [text for text in told if "hunter2" in text]
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_result_as_json_masks_secrets(runner: Runner) -> None:
    """Named keys at any depth; a key without a value is None, an object its text."""
    order = {"id": 7, "card": "4111", "tags": ("a", "b"), "at": 1.5, "by": ValueError("x")}
    chain = runner.chain(redact=["card"]).next(runner.fn(lambda: order), out="order")
    shown = runner.run(chain).as_json("order", "missing")
    (report,) = shown.pop("report")
    assert report.pop("seconds") >= 0
    assert report == {"name": "order", "outcome": "ok", "attempts": 1, "reason": None}
    assert shown == {
        "order": {"id": 7, "card": "***", "tags": ["a", "b"], "at": 1.5, "by": "x"},
        "missing": None,
    }
