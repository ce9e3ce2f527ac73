"""Redaction: which text is masked, at what cost, and without running code of the values."""

from __future__ import annotations

import enum
import logging
import uuid
from collections import ChainMap, OrderedDict, UserDict, deque
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from headrace import StepFailedError, literal
from headrace._redaction import rules, secrets
from headrace._redaction.rules import MASK, Redaction

if TYPE_CHECKING:
    from tests.chains.runners import Runner

REDACTION = Redaction(frozenset(["secret"]))


def blot(text: str, secret: Any) -> str:
    """Return `text` with `secret` masked."""
    return REDACTION.blot(text, {"secret": secret})


# --- masked text ----------------------------------------------------------------------------------


@pytest.mark.guarantee(92)
@pytest.mark.parametrize(
    ("secret", "text", "left"),
    [
        ("1", "refused by bank 4711 at line 104711", None),
        ("1", "card 1, or (1) or '1' or x=1", "card ***, or (***) or '***' or x=***"),
        (123, "cvc=123, card 1234 of a123b, 123", "cvc=***, card 1234 of a123b, ***"),
        ("471", "4711 x_471 471_x 471", "4711 x_471 471_x ***"),
        ("ü1", "ü1 aü1 ü1ß", "*** aü1 ü1ß"),
        ("-", "a-b - c", "a-b *** c"),
        ("abcd", "abcd xabcdx", "*** x***x"),
        (4711, "bank 4711 at line 104711", "bank *** at line 10***"),
        (["abcd", "bcdef"], "xabcdefx", "x***x"),
        (["abcd", "efgh"], "abcdefgh", "******"),
        (-5, "-5 of 15", "*** of 15"),
        (True, "True", None),
        (None, "None", None),
        ("", "x", None),
        ("*", "2 * 3", "2 *** 3"),
    ],
)
def test_a_secret_is_masked_as_a_token_or_if_it_is_long(
    secret: Any, text: str, left: str | None
) -> None:
    """A value of fewer than four characters is not masked inside a longer word or number."""
    assert blot(text, secret) == (text if left is None else left)


@pytest.mark.guarantee(92)
@pytest.mark.parametrize(
    ("echo", "line"),
    [(1, "n=1"), (123, "n=123"), (4711, "n=***"), ("1", "n=***"), ([4711], "n=[***]")],
)
def test_a_number_of_up_to_three_digits_is_a_count(
    runner: Runner, lines: Any, echo: Any, line: str
) -> None:
    """A line with a count keeps it, even if it equals a short secret."""
    chain = runner.chain(redact=["secret"]).next(runner.fn(lambda: None), log_fmt="n={echo}")
    runner.run(chain, secret=[1, 123, 4711], echo=echo)
    assert lines() == [("INFO", line)]


@pytest.mark.guarantee(92)
def test_too_many_values_mask_the_whole_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost is bounded; text beyond the bound is masked entirely."""
    monkeypatch.setattr(secrets, "LIMIT", 1000)
    rows = [{"id": i} for i in range(300)]
    assert REDACTION.blot("boom 4711", {"rows": rows, "secret": 4711}) == "boom ***"
    for large in (rows * 4, [[row] for row in rows], [0] * 1001):
        assert REDACTION.blot("boom 4711", {"rows": large, "secret": 4711}) == MASK
    assert REDACTION.blot("", {"rows": rows * 4}) == ""


@pytest.mark.guarantee(92)
def test_each_value_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared or cyclic value is searched once."""
    monkeypatch.setattr(secrets, "LIMIT", 1000)
    node: Any = {"secret": "4711"}
    for _ in range(100):
        node = [node, node, {"a": node}]
    node.append(node)
    assert REDACTION.blot("boom 4711", node) == "boom ***"


@pytest.mark.guarantee(92)
def test_many_secrets_are_found_by_their_beginnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets that cannot occur in the text are skipped; if too many can, all is masked."""
    secrets = [f"pass{i}" for i in range(1000)] + ["x", "yz", "abc"]
    text = "abc x pass17 abcd"
    assert blot(text, secrets) == "*** *** *** abcd"
    monkeypatch.setattr(rules, "LIMIT", 10)
    assert blot(text, secrets) == MASK
    assert blot(text, ["abc"]) == "*** x pass17 abcd"


@pytest.mark.guarantee(92)
def test_a_deep_or_wide_value_is_shown_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value shared in many places is written out a limited number of times."""
    monkeypatch.setattr(rules, "LIMIT", 100)
    node: Any = ["x"]
    for _ in range(50):
        node = [node, node]
    assert str(REDACTION.plain(node)).count("<too much>") > 0


# --- where secrets are found ----------------------------------------------------------------------


class Color(enum.Enum):
    RED = "crimson"


class Word(str):
    __slots__ = ()


class Count(int):
    pass


class Card:
    def __init__(self, number: str) -> None:
        self.number = number


class Slotted:
    __slots__ = ("secret", "unset")

    def __init__(self, secret: Any) -> None:
        self.secret = secret


class Kept:
    secret = "4711-class"


class Private:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    @property
    def secret(self) -> str:
        raise RuntimeError


@dataclass
class Wallet:
    card: Any


class Names(UserDict[str, Any]):
    pass


@pytest.mark.guarantee(93)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"secret": Word("4711")}, "4711"),
        ({"secret": Count(4711)}, "4711"),
        ({"secret": bytearray(b"4711")}, "4711"),
        ({"secret": memoryview(b"4711")[::1]}, "4711"),
        ({Word("secret"): "4711"}, "4711"),
        ({"secret": Color.RED}, "crimson"),
        ({"secret": uuid.UUID(int=4711)}, str(uuid.UUID(int=4711))),
        ({"secret": PurePosixPath("/etc/pass")}, "/etc/pass"),
        ({"secret": Card("4711")}, "4711"),
        ({"secret": [Wallet(Card("4711"))]}, "4711"),
        ({"secret": SimpleNamespace(a=[4711])}, "4711"),
        ({"secret": ValueError("4711")}, "4711"),
        (SimpleNamespace(secret="4711"), "4711"),
        (Slotted("4711"), "4711"),
        (Kept(), "4711-class"),
        (Private("4711"), "4711"),
        (Wallet({"secret": "4711"}), "4711"),
        (Names(secret="4711"), "4711"),
        (ChainMap({}, {"secret": "4711"}), "4711"),
        (OrderedDict(secret="4711"), "4711"),
        (MappingProxyType({"secret": "4711"}), "4711"),
        (deque([{"secret": "4711"}]), "4711"),
    ],
)
def test_secrets_are_found_where_objects_keep_them(value: Any, text: str) -> None:
    """In subclasses of text and numbers, in objects, slots, classes and containers of all kinds."""
    assert REDACTION.blot(f"boom {text}", {"x": [value]}) == "boom ***"


# --- without running code -------------------------------------------------------------------------


class Detached:
    """A row of an ORM: reading an attribute queries a database that is down."""

    ran: list[str]

    def __init__(self) -> None:
        self.__dict__["ran"] = []

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            return object.__getattribute__(self, name)
        object.__getattribute__(self, "__dict__")["ran"].append(name)
        raise RuntimeError("detached")


class Column:
    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        raise RuntimeError("detached")

    def __set__(self, instance: object, value: object) -> None: ...


@dataclass(eq=False, repr=False)
class Account:
    name: str
    secret: Any = Column()

    def __repr__(self) -> str:
        raise RuntimeError("detached")


class Lazy(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("loads")

    def __iter__(self) -> Any:
        raise RuntimeError("loads")


class LazyList(list[Any]):
    def __iter__(self) -> Any:
        raise RuntimeError("loads")


class Proxy:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("resolves")


class Shy:
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("shy")

    __repr__ = __str__


FOREIGN = [
    Detached,
    lambda: Account("ada"),
    Lazy,
    LazyList,
    Proxy,
    Shy,
]


@pytest.mark.guarantee(93)
@pytest.mark.parametrize("make", FOREIGN)
def test_foreign_objects_cannot_fail_a_step(runner: Runner, lines: Any, make: Any) -> None:
    """The search for secrets runs no code of the values, for lines and for errors."""

    def fail(_: Any) -> None:
        raise ValueError("boom 4711")

    made = make()
    chain = runner.chain(redact=["secret"])
    chain.next(runner.fn(lambda: "fine"), out="a", log_fmt="{result} {echo}")
    chain.next(runner.fn(fail), name="b", args=["made"])
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain, made=made, echo="4711", secret="4711")
    assert str(caught.value) == "step 'b' failed: ValueError: boom ***"
    assert lines()[0] == ("INFO", "fine ***")
    assert repr(caught.value.result)
    assert type(made) is not Detached or made.__dict__["ran"] == []


class Computed:
    @property
    def secret(self) -> str:
        raise RuntimeError("computed")

    def __str__(self) -> str:
        return "computed 4711"


@pytest.mark.guarantee(93)
def test_what_cannot_be_read_without_running_code_is_masked(runner: Runner, lines: Any) -> None:
    """A text that may contain a property's value is masked."""
    chain = runner.chain(redact=["secret"])
    chain.next(runner.fn(lambda: None), log_fmt="{made} {all}")
    runner.run(chain, made=Computed(), all=[Account("ada")])
    assert lines() == [("INFO", "*** ***")]
    assert REDACTION.blot("boom", {"x": Computed()}) == MASK
    assert REDACTION.blot("boom", {"secret": Shy()}) == MASK
    assert REDACTION.blot("boom", {"x": Account("ada")}) == "boom"
    assert REDACTION.plain([Account("ada"), Computed(), Shy()]) == [MASK, MASK, "<RuntimeError>"]


@pytest.mark.guarantee(93)
@pytest.mark.parametrize("value", [print, int, enum, Color, object(), lambda: 1, Card.__init__])
def test_functions_types_and_modules_are_no_secrets(value: Any) -> None:
    """They are part of the program, not of its data."""
    assert REDACTION.blot("boom print int enum", {"secret": value}) == "boom print int enum"


@pytest.mark.guarantee(92)
@pytest.mark.parametrize(
    ("secret", "text", "left"),
    [
        ("p@ss w/rd", "postgres://app:p%40ss%20w%2Frd@db/app", "postgres://app:***@db/app"),
        ("p@ss w/rd", "postgres://app:p%40ss%20w/rd@db/app", "postgres://app:***@db/app"),
        ("p@ss w/rd", "?user=app&key=p%40ss+w%2Frd&n=1", "?user=app&key=***&n=1"),
        (b"p@ss w/rd", "?key=p%40ss+w%2Frd", "?key=***"),
        ("geheim-ü", "/geheim-%C3%BC/", "/***/"),
        ("lone\ud800 one", "/lone%ED%A0%80%20one/", "/***/"),
    ],
)
def test_a_secret_in_a_url_is_masked(secret: Any, text: str, left: str) -> None:
    """A secret is found as it stands in URLs and forms, too."""
    assert blot(text, secret) == left


@pytest.mark.guarantee(92)
@pytest.mark.parametrize(
    "given",
    [literal("hunter2-x"), "settings.database", "secrets.0", "sole"],
    ids=["literal", "mapping", "sequence", "key"],
)
def test_an_argument_with_the_name_of_a_secret_is_one(
    runner: Runner, lines: Any, given: Any
) -> None:
    """A value is masked that only the name of the argument tells to be a secret."""

    def login(password: str) -> None:
        raise ValueError(f"{password} is wrong")

    chain = runner.chain(redact=["password"]).next(runner.fn(login), kwargs={"password": given})
    with pytest.raises(StepFailedError) as caught:
        runner.run(
            chain, settings={"database": "hunter2-x"}, secrets=["hunter2-x"], sole="hunter2-x"
        )
    assert caught.value.reason == "ValueError: *** is wrong"
    assert "hunter2-x" not in str(lines())


@pytest.mark.guarantee(92)
def test_an_argument_that_is_not_there_hides_nothing(runner: Runner) -> None:
    """A secret that leads nowhere masks no text."""

    def login(password: None, other: None) -> None:
        raise ValueError("the server is away")

    chain = runner.chain(redact=["password", "other"])
    chain.next(runner.fn(login), kwargs={"password": "settings.nope", "other": "object.nope"})
    with pytest.raises(StepFailedError, match="the server is away"):
        runner.run(chain, settings={}, object=SimpleNamespace())


class Slotted:
    __slots__ = ("database", "unset")


class Derived:
    @property
    def database(self) -> str:
        return "hunter2-x"


@pytest.mark.guarantee(93)
def test_an_attribute_with_the_name_of_a_secret_is_one(runner: Runner) -> None:
    """The value is masked where the object keeps it, and the text where it is computed."""

    def login(password: str) -> None:
        raise ValueError(f"{password} is wrong")

    slotted = Slotted()
    slotted.database = "hunter2-x"
    reasons = [
        ("settings.database", SimpleNamespace(database="hunter2-x"), "ValueError: *** is wrong"),
        ("settings.database", slotted, "ValueError: *** is wrong"),
        ("settings.unset", slotted, "ValueError: None is wrong; the reference"),
        ("settings.database", Derived(), "ValueError: ***"),
        ("settings.database", UserDict(database="hunter2-x"), "ValueError: ***"),
    ]
    for path, settings, reason in reasons:
        chain = runner.chain(redact=["password"]).next(runner.fn(login), kwargs={"password": path})
        with pytest.raises(StepFailedError) as caught:
            runner.run(chain, settings=settings)
        assert caught.value.reason.startswith(reason)
        assert "hunter2-x" not in caught.value.reason


@pytest.mark.guarantee(92)
def test_a_result_in_the_error_of_a_hook_is_masked(runner: Runner, lines: Any) -> None:
    """A hook and a callback get the result, and what they raise shows none of its secrets."""

    def raises(result: Any) -> None:
        raise ValueError(f"no room for {result['password']}")

    chain = runner.chain(
        redact=["password"], after_step=lambda step, context, result, elapsed: raises(result)
    )
    chain.next(
        runner.fn(lambda: {"password": "hunter2-x"}), log=lambda context, result: raises(result)
    )
    runner.run(chain)
    errors = [line for level, line in lines() if level == "ERROR"]
    assert len(errors) == 2
    assert all("no room for ***" in line for line in errors)


@pytest.mark.guarantee(92)
def test_a_line_shows_no_argument_with_the_name_of_a_secret(runner: Runner, lines: Any) -> None:
    """A template masks what only the name of an argument marks as a secret."""
    chain = runner.chain(redact=["password"])
    chain.next(
        runner.fn(lambda password: f"logged in with {password}"),
        out="login",
        kwargs={"password": literal("hunter2-x")},
        log_fmt="{login}, {result}",
    )
    runner.run(chain)
    assert ("INFO", "logged in with ***, logged in with ***") in lines()


@pytest.mark.guarantee(92)
def test_a_line_searches_for_secrets_once(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context is searched once for a line, however many values it shows."""
    searches: list[int] = []

    def find(values: Any, names: Any) -> Any:
        searches.append(len(values))
        return secrets.find_secrets(values, names)

    monkeypatch.setattr(rules, "find_secrets", find)
    logging.getLogger("headrace.chain").setLevel(logging.INFO)
    try:
        chain = runner.chain(redact=["password"])
        chain.next(runner.fn(str), log_fmt="{a} {b} {result} {a.b}")
        runner.run(chain, a="a", b={"password": "hunter2-x"})
    finally:
        logging.getLogger("headrace.chain").setLevel(logging.NOTSET)
    assert [count for count in searches if count > 1] == [4]  # a repr of the result searches too
