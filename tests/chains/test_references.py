"""References: dotted paths into the context."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from headrace import UnresolvedReferenceError, literal, ref

if TYPE_CHECKING:
    from tests.chains.conftest import Kind


@dataclass
class Customer:
    name: str
    tags: Any = None

    @property
    def broken(self) -> str:
        raise RuntimeError("the database is away")


def take(kind: Kind, *args: Any, strict: bool = False, **inputs: Any) -> Any:
    """Return what a step gets for `args`."""
    chain = kind.chain(strict=strict)
    chain.next(kind.fn(lambda *values: values), out="taken", args=list(args))
    return kind.run(chain, **inputs)["taken"]


def test_a_path_goes_through_keys_then_attributes(kind: Kind) -> None:
    """At each dot a mapping's key comes first, then an attribute."""
    order = {"customer": Customer("Ada", {"name": "tag"}), "items": [1]}
    assert take(kind, "order.customer.name", order=order) == ("Ada",)
    assert take(kind, "order.customer.tags.name", order=order) == ("tag",)
    assert take(kind, "order.items", order=order) == ([1],)
    assert take(kind, "order.a", order=MappingProxyType({"a": 1})) == (1,)


def test_ref_and_str_are_the_same(kind: Kind) -> None:
    """`ref("a.b")` says explicitly what `"a.b"` says."""
    assert take(kind, ref("a.b"), "a.b", a={"b": 1}) == (1, 1)


def test_literal_and_other_values_are_passed_as_they_are(kind: Kind) -> None:
    """A text through `literal`; numbers, lists, None without."""
    values = ["x", "y"]
    taken = take(kind, literal("a.b"), 7, None, values, a={"b": 1})
    assert taken == ("a.b", 7, None, ["x", "y"])
    assert taken[3] is values


def test_keyword_arguments_are_references_too(kind: Kind) -> None:
    """`kwargs` are resolved as `args` are."""
    chain = kind.chain().next(
        kind.fn(lambda *args, **kwargs: (args, kwargs)),
        out="taken",
        args=["a"],
        kwargs={"b": "a", "c": literal("a"), "d": ref("a"), "e": 5},
    )
    expected = ((1,), {"b": 1, "c": "a", "d": 1, "e": 5})
    assert kind.run(chain, a=1)["taken"] == expected


@pytest.mark.parametrize("path", ["missing", "order.missing", "order.id.deeper", "missing.deeper"])
def test_an_unresolved_reference_is_none(kind: Kind, path: str) -> None:
    """Without `strict`, what leads nowhere is None."""
    assert take(kind, path, order={"id": 1}) == (None,)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("missing", "the context has 'order'"),
        ("order.missing", "'order' has no 'missing'"),
        ("order.id.deeper", "'order.id' has no 'deeper'"),
    ],
)
def test_strict_raises_where_a_reference_leads_nowhere(kind: Kind, path: str, where: str) -> None:
    """`UnresolvedReferenceError`, a `LookupError`, as it is: it names step, reference and place."""
    with pytest.raises(UnresolvedReferenceError) as caught:
        take(kind, path, strict=True, order={"id": 1})
    assert isinstance(caught.value, LookupError)
    assert caught.value.step == "taken"
    assert str(caught.value) == f"step 'taken': the reference {path!r} leads nowhere: {where}"
    assert caught.value.result == {"order": {"id": 1}}


def test_strict_in_an_empty_context_says_so(kind: Kind) -> None:
    """Where there are no keys at all the message says that."""
    with pytest.raises(UnresolvedReferenceError, match="the context has no keys"):
        take(kind, "a", strict=True)


def test_strict_takes_a_none_that_is_there(kind: Kind) -> None:
    """A value that is legitimately None is resolved."""
    taken = take(kind, "a", "b.c", "d.name", strict=True, a=None, b={"c": None}, d=Customer(None))  # type: ignore[arg-type]
    assert taken == (None, None, None)


def test_an_unresolved_reference_is_not_retried(kind: Kind) -> None:
    """No attempt is made, and none is repeated."""
    calls: list[object] = []
    chain = kind.chain(strict=True)
    chain.next(kind.fn(calls.append), args=["missing"], retries=5)
    with pytest.raises(UnresolvedReferenceError):
        kind.run(chain)
    assert calls == []


def test_an_unresolved_reference_of_a_chain_within_a_step_is_a_failed_step(kind: Kind) -> None:
    """Only the run's own error passes through as it is."""
    inner = kind.chain(strict=True).next(kind.fn(print), args=["missing"])
    outer = kind.chain().next(inner.run, name="nested")
    with pytest.raises(Exception, match="step 'nested' failed: UnresolvedReferenceError"):
        kind.run(outer)


def test_an_error_in_a_property_is_the_steps_error(kind: Kind) -> None:
    """What an attribute raises fails the step, with the original as the cause."""
    with pytest.raises(Exception, match="RuntimeError: the database is away") as caught:
        take(kind, "customer.broken", customer=Customer("Ada"))
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("path", ["a.__class__", "__globals__", "a.__dict__.b", "a.__init__"])
@pytest.mark.parametrize("make", [ref, lambda path: path])
def test_double_underscore_names_cannot_be_referred_to(kind: Kind, path: str, make: Any) -> None:
    """They are refused when the chain is built."""
    with pytest.raises(ValueError, match="only __len__"):
        kind.chain().next(print, args=[make(path)])


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_a_path_has_no_empty_part(kind: Kind, path: str) -> None:
    """Refused when the chain is built."""
    with pytest.raises(ValueError, match="empty part"):
        kind.chain().next(print, args=[path])


def test_ref_takes_a_string() -> None:
    """Anything else is refused at once."""
    with pytest.raises(TypeError, match="dotted path"):
        ref(5)  # type: ignore[arg-type]


def test_check_finds_references_that_nothing_provides(kind: Kind) -> None:
    """Before anything runs, `check` lists what no earlier step, `put` or named input gives."""
    chain = kind.chain().put("base", 1)
    chain.next(print, out="raw", args=["base", "given.id"], log_fmt="{raw.n} {result.m}")
    chain.next(print, out="clean", args=["rawe"], kwargs={"x": "nowhere.y"}, when="flag")
    nothing = "no earlier step, put() or input gives"
    assert chain.check("given", "flag") == [
        f"step 'clean': args refers to 'rawe', but {nothing} 'rawe'; did you mean 'raw'?",
        f"step 'clean': kwargs refers to 'nowhere.y', but {nothing} 'nowhere'",
    ]
    assert chain.check("given", "flag", "rawe", "nowhere") == []


def test_check_counts_a_steps_own_output_for_its_log_line_only(kind: Kind) -> None:
    """A step cannot be given its own output, but may log it."""
    chain = kind.chain().next(print, out="n", args=["n"], log_fmt="{n}")
    assert chain.check() == [
        "step 'n': args refers to 'n', but no earlier step, put() or input gives 'n'"
    ]


def test_check_looks_into_branches(kind: Kind) -> None:
    """A branch sees what came before it and its own values; what follows sees all its outputs."""
    left = kind.chain().put("own", 1).next(print, out="a", args=["own", "raw"])
    right = kind.chain().next(print, out="b", args=["oops"])
    chain = kind.chain().next(print, out="raw").parallel(left, right)
    chain.next(print, args=["a", "b", "own"])
    assert [line.split(",")[0] for line in chain.check()] == [
        "step 'b': args refers to 'oops'",
        "step 'print': args refers to 'own'",
    ]
