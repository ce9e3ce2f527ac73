"""References: dotted paths into the context."""

from __future__ import annotations

import inspect
import sys
from collections import UserDict, UserList, deque
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from headrace import StepFailedError, UnresolvedReferenceError, literal, ref
from headrace._process.testing import no_waiting

if TYPE_CHECKING:
    from tests.chains.runners import Runner


@dataclass
class Customer:
    name: str
    tags: Any = None

    @property
    def broken(self) -> str:
        raise RuntimeError("the database is away")


def take(runner: Runner, *args: Any, strict: bool = False, **inputs: Any) -> Any:
    """Return what a step gets for `args`."""
    chain = runner.chain(strict=strict)
    chain.next(runner.fn(lambda *values: values), out="taken", args=list(args))
    return runner.run(chain, **inputs)["taken"]


def test_a_path_goes_through_keys_then_attributes(runner: Runner) -> None:
    """At each dot a mapping's key comes first, then an attribute."""
    order = {"customer": Customer("Ada", {"name": "tag"}), "items": [1]}
    assert take(runner, "order.customer.name", order=order) == ("Ada",)
    assert take(runner, "order.customer.tags.name", order=order) == ("tag",)
    assert take(runner, "order.items", order=order) == ([1],)
    assert take(runner, "order.a", order=MappingProxyType({"a": 1})) == (1,)


def test_ref_and_str_are_the_same(runner: Runner) -> None:
    """`ref("a.b")` says explicitly what `"a.b"` says."""
    assert take(runner, ref("a.b"), "a.b", a={"b": 1}) == (1, 1)


def test_literal_and_other_values_are_passed_as_they_are(runner: Runner) -> None:
    """A text through `literal`; numbers, lists, None without."""
    values = ["x", "y"]
    taken = take(runner, literal("a.b"), 7, None, values, a={"b": 1})
    assert taken == ("a.b", 7, None, ["x", "y"])
    assert taken[3] is values


def test_keyword_arguments_are_references_too(runner: Runner) -> None:
    """`kwargs` are resolved as `args` are."""
    chain = runner.chain().next(
        runner.fn(lambda *args, **kwargs: (args, kwargs)),
        out="taken",
        args=["a"],
        kwargs={"b": "a", "c": literal("a"), "d": ref("a"), "e": 5},
    )
    expected = ((1,), {"b": 1, "c": "a", "d": 1, "e": 5})
    assert runner.run(chain, a=1)["taken"] == expected


@pytest.mark.parametrize("path", ["missing", "order.missing", "order.id.deeper", "missing.deeper"])
def test_an_unresolved_reference_is_none(runner: Runner, path: str) -> None:
    """Without `strict`, an unresolved reference is None."""
    assert take(runner, path, order={"id": 1}) == (None,)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("missing", "the context has 'order'"),
        ("order.missing", "'order' has no 'missing'"),
        ("order.id.deeper", "'order.id' has no 'deeper'"),
    ],
)
def test_strict_raises_where_a_reference_leads_nowhere(
    runner: Runner, path: str, where: str
) -> None:
    """`UnresolvedReferenceError`, a `LookupError`, as it is: it names step, reference and place."""
    with pytest.raises(UnresolvedReferenceError) as caught:
        take(runner, path, strict=True, order={"id": 1})
    assert isinstance(caught.value, LookupError)
    assert caught.value.step == "taken"
    assert str(caught.value) == f"step 'taken': the reference {path!r} cannot be resolved: {where}"
    assert caught.value.result == {"order": {"id": 1}}


def test_strict_in_an_empty_context_says_so(runner: Runner) -> None:
    """Where there are no keys at all the message says that."""
    with pytest.raises(UnresolvedReferenceError, match="the context has no keys"):
        take(runner, "a", strict=True)


def test_strict_takes_a_none_that_is_there(runner: Runner) -> None:
    """A value that is legitimately None is resolved."""
    taken = take(runner, "a", "b.c", "d.name", strict=True, a=None, b={"c": None}, d=Customer(None))  # type: ignore[arg-type]
    assert taken == (None, None, None)


def test_an_unresolved_reference_is_not_retried(runner: Runner) -> None:
    """No attempt is made, and none is repeated."""
    calls: list[object] = []
    chain = runner.chain(strict=True)
    chain.next(runner.fn(calls.append), args=["missing"], retries=5)
    with pytest.raises(UnresolvedReferenceError):
        runner.run(chain)
    assert calls == []


def test_an_unresolved_reference_of_a_chain_within_a_step_is_a_failed_step(runner: Runner) -> None:
    """Only the run's own error passes through as it is."""
    inner = runner.chain(strict=True).next(runner.fn(print), args=["missing"])
    outer = runner.chain().next(inner.run, name="nested")
    with pytest.raises(Exception, match="step 'nested' failed: UnresolvedReferenceError"):
        runner.run(outer)


def test_an_error_in_a_property_is_the_steps_error(runner: Runner) -> None:
    """What an attribute raises fails the step, with the original as the cause."""
    with pytest.raises(Exception, match="RuntimeError: the database is away") as caught:
        take(runner, "customer.broken", customer=Customer("Ada"))
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("path", ["a.__class__", "__globals__", "a.__dict__.b", "a.__init__"])
@pytest.mark.parametrize("make", [ref, lambda path: path])
def test_double_underscore_names_cannot_be_referred_to(
    runner: Runner, path: str, make: Any
) -> None:
    """They are refused when the chain is built."""
    with pytest.raises(ValueError, match="name allowed is __len__"):
        runner.chain().next(print, args=[make(path)])


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_a_path_has_no_empty_part(runner: Runner, path: str) -> None:
    """Refused when the chain is built."""
    with pytest.raises(ValueError, match="empty part"):
        runner.chain().next(print, args=[path])


def test_ref_takes_a_string() -> None:
    """Anything else is refused at once."""
    with pytest.raises(TypeError, match="dotted path"):
        ref(5)  # type: ignore[arg-type]


def test_check_finds_references_that_nothing_provides(runner: Runner) -> None:
    """Before anything runs, `check` lists what no earlier step, `put` or named input provides."""
    chain = runner.chain().put("base", 1)
    chain.next(print, out="raw", args=["base", "given.id"], log_fmt="{raw.n} {result.m}")
    chain.next(print, out="clean", args=["rawe"], kwargs={"x": "nowhere.y"}, when="flag")
    nothing = "no earlier step, put() or input provides"
    assert chain.check("given", "flag") == [
        f"step 'clean': args refers to 'rawe', but {nothing} 'rawe'; did you mean 'raw'?",
        f"step 'clean': kwargs refers to 'nowhere.y', but {nothing} 'nowhere'",
    ]
    assert chain.check("given", "flag", "rawe", "nowhere") == []


def test_check_counts_a_steps_own_output_for_its_log_line_only(runner: Runner) -> None:
    """A step cannot be given its own output, but may log it."""
    chain = runner.chain().next(print, out="n", args=["n"], log_fmt="{n}")
    assert chain.check() == [
        "step 'n': args refers to 'n', but no earlier step, put() or input provides 'n'"
    ]


def test_check_looks_into_branches(runner: Runner) -> None:
    """A branch sees what came before it and its own values; what follows sees all its outputs."""
    left = runner.chain().put("own", 1).next(print, out="a", args=["own", "raw"])
    right = runner.chain().next(print, out="b", args=["oops"])
    chain = runner.chain().next(print, out="raw").parallel(left, right)
    chain.next(print, args=["a", "b", "own"])
    assert [line.split(",")[0] for line in chain.check()] == [
        "step 'b': args refers to 'oops'",
        "step 'print': args refers to 'own'",
    ]


# --- mappings, sequences, keys with dots ----------------------------------------------------------


@pytest.mark.guarantee(89)
@pytest.mark.parametrize("make", [dict, MappingProxyType, UserDict])
@pytest.mark.parametrize("part", ["items", "keys", "get", "copy", "values", "data", "__len__"])
def test_a_reference_into_a_mapping_finds_keys_only(runner: Runner, make: Any, part: str) -> None:
    """A reference never resolves to a method or an attribute of a mapping."""
    assert take(runner, f"order.{part}", f"order.{part}.x", order=make({"id": 1})) == (None, None)
    assert take(runner, f"order.{part}", order=make({part: 7})) == (7,)
    with pytest.raises(UnresolvedReferenceError, match=f"'order' has no '{part}'"):
        take(runner, f"order.{part}", strict=True, order=make({"id": 1}))


@pytest.mark.guarantee(89)
def test_a_predicate_reference_into_a_mapping_finds_keys_only(runner: Runner) -> None:
    """The method of that name, always true, is not found."""
    chain = runner.chain().next(runner.fn(lambda: 1), out="sent", when="order.pop")
    assert "sent" not in runner.run(chain, order={})


@pytest.mark.guarantee(89)
@pytest.mark.parametrize("make", [list, tuple, deque, UserList])
def test_digits_are_an_index_of_a_sequence(runner: Runner, lines: Any, make: Any) -> None:
    """In arguments and log lines alike; past the end, and in a string, they cannot be resolved."""
    items = make([{"sku": "teapot"}, print])
    assert take(runner, "items.0.sku", "items.2", "items.9999999999999999999", items=items) == (
        "teapot",
        None,
        None,
    )
    assert take(runner, "name.0", "name.1", name="Ada") == (None, None)
    runner.run(runner.chain().next(runner.fn(lambda: items), log_fmt="{result.0.sku} {result.1}"))
    assert lines() == [("INFO", f"teapot {print}")]
    with pytest.raises(UnresolvedReferenceError, match="'items' has no '2'"):
        take(runner, "items.2", strict=True, items=items)


@pytest.mark.guarantee(89)
def test_digits_are_a_key_of_a_mapping(runner: Runner) -> None:
    """Digits are a key there, like any other part."""
    assert take(runner, "prices.0", prices={"0": 5}) == (5,)


@pytest.mark.guarantee(89)
def test_the_parts_of_a_reference_may_have_dots(runner: Runner) -> None:
    """`ref` with several parts splits none of them, in `args`, `kwargs` and `when`."""
    hosts = {"example.org": {"port": 80}}
    assert take(runner, ref("hosts", "example.org", "port"), hosts=hosts) == (80,)
    chain = runner.chain()
    chain.next(
        runner.fn(lambda port: port),
        out="got",
        kwargs={"port": ref("hosts", "example.org", "port")},
        when=ref("hosts", "example.org"),
    )
    assert runner.run(chain, hosts=hosts)["got"] == 80
    with pytest.raises(UnresolvedReferenceError, match=r"'hosts' has no 'a\.b'"):
        take(runner, ref("hosts", "a.b"), strict=True, hosts=hosts)


@pytest.mark.parametrize("parts", [("a", ""), ("", "a"), ("a", "__class__"), ("a", "gi_frame")])
def test_the_parts_of_a_reference_are_checked(parts: tuple[str, ...]) -> None:
    """They are checked like those of a dotted path."""
    with pytest.raises(ValueError, match=r"ref\(\)"):
        ref(*parts)
    with pytest.raises(TypeError, match="strings, not 0"):
        ref("a", 0)  # type: ignore[arg-type]


# --- an unresolved reference, without strict ------------------------------------------------------


class Box:
    full = None


@pytest.mark.guarantee(90)
@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        (["orer"], {}, "'orer' cannot be resolved: the context has 'order'; did you mean 'order'?"),
        ([], {"order": "order.item"}, "'order.item' cannot be resolved: 'order' has no 'item'"),
        ([ref("order", "a.b")], {}, "'order.a.b' cannot be resolved: 'order' has no 'a.b'"),
        (["order.items.7"], {}, "'order.items.7' cannot be resolved: 'order.items' has no '7'"),
    ],
)
def test_the_failure_names_a_reference_that_leads_nowhere(
    runner: Runner, lines: Any, args: Any, kwargs: Any, said: str
) -> None:
    """The error, the report and the log name it; the step is not retried."""
    calls: list[object] = []

    def read(order: Any) -> Any:
        calls.append(order)
        return order["id"]

    chain = runner.chain().next(runner.fn(read), name="read", args=args, kwargs=kwargs, retries=3)
    with no_waiting(), pytest.raises(StepFailedError) as caught:
        runner.run(chain, order={"items": []})
    assert calls == [None]
    assert caught.value.reason.endswith(f"; the reference {said}")
    assert said in str(caught.value)
    assert said in lines()[-1][1]
    assert caught.value.result is not None
    assert said in (caught.value.result.steps[0].reason or "")


@pytest.mark.guarantee(90)
@pytest.mark.parametrize(
    "raised", [AttributeError, AssertionError, KeyError, TypeError, ValueError, UnicodeError]
)
def test_a_mistake_is_not_tried_again_where_a_reference_leads_nowhere(
    runner: Runner, raised: type[Exception]
) -> None:
    """It is not retried even if `retry_on` matches, since the arguments would not change."""
    calls: list[object] = []

    def fail(value: object) -> None:
        calls.append(value)
        raise raised

    chain = runner.chain().next(
        runner.fn(fail), args=["gone"], retries=3, retry_on=lambda exc: True
    )
    with no_waiting(), pytest.raises(StepFailedError):
        runner.run(chain)
    assert len(calls) == 1


@pytest.mark.guarantee(90)
def test_a_broken_connection_is_tried_again_though_an_optional_argument_is_missing(
    runner: Runner,
) -> None:
    """A missing argument that the function does not need is not blamed for its failure."""
    calls: list[object] = []

    def fetch(token: object) -> None:
        calls.append(token)
        raise ConnectionError

    chain = runner.chain().next(runner.fn(fetch), args=["token"], retries=2)
    with no_waiting(), pytest.raises(StepFailedError, match="'token' cannot be resolved"):
        runner.run(chain)
    assert len(calls) == 3


@pytest.mark.guarantee(90)
def test_a_mistake_with_all_its_arguments_is_tried_again(runner: Runner) -> None:
    """A None in the context is a valid argument and is not blamed."""
    calls: list[object] = []

    def fail(*values: object) -> None:
        calls.append(values)
        raise ValueError("not yet")

    chain = runner.chain().next(runner.fn(fail), args=["none", "box.full"], retries=2)
    with no_waiting(), pytest.raises(StepFailedError, match=r"ValueError: not yet$"):
        runner.run(chain, none=None, box=Box())
    assert len(calls) == 3


@pytest.mark.guarantee(90)
def test_a_rejection_names_a_reference_that_leads_nowhere(runner: Runner) -> None:
    """The message names the unresolved argument that the result was computed from."""
    chain = runner.chain()
    chain.next(runner.fn(lambda n: n), args=["gone"], validate=lambda n: n is not None)
    with pytest.raises(Exception, match="returned False; the reference 'gone' cannot be resolved"):
        runner.run(chain)


@pytest.mark.guarantee(90)
def test_check_looks_into_the_values_that_are_known(runner: Runner) -> None:
    """`check` follows a path into a `put` value until that would run foreign code."""
    chain = runner.chain().put("order", {"id": 1, "items": [{}], "customer": Customer("Ada")})
    chain.next(
        runner.fn(lambda *_: {}),
        out="made",
        args=["order.idd", "order.items.0.sku", "order.items.1", "order.customer.nme"],
        kwargs={"a": ref("order", "a.b"), "b": "order.items.count"},
        when="order.keys",
        log_fmt="{order.items.__len__} {order.id} {order.uid} {made.n}",
    )
    chain.next(runner.fn(print), out="order", overwrite=True).next(
        runner.fn(print), args=["order.x"]
    )
    assert chain.check() == [
        "step 'made': args refers to 'order.idd', but 'order' has no 'idd'",
        "step 'made': args refers to 'order.items.0.sku', but 'order.items.0' has no 'sku'",
        "step 'made': args refers to 'order.items.1', but 'order.items' has no '1'",
        "step 'made': kwargs refers to 'order.a.b', but 'order' has no 'a.b'",
        "step 'made': log_fmt refers to 'order.uid', but 'order' has no 'uid'",
        "step 'made': when refers to 'order.keys', but 'order' has no 'keys'",
    ]
    assert chain.check("order") == []


# --- frames and code objects ----------------------------------------------------------------------

_INNER = "gi_frame gi_code cr_frame cr_code ag_frame ag_code gr_frame tb_frame f_back f_builtins"
INNER_NAMES = [*_INNER.split(), "f_code", "f_globals", "f_locals", "f_generator"]


@pytest.mark.guarantee(91)
@pytest.mark.parametrize("name", INNER_NAMES)
def test_frames_and_code_objects_cannot_be_referred_to(runner: Runner, name: str) -> None:
    """Paths to them raise while the chain is built: they hold all variables of a program."""
    for path in (f"a.{name}", f"a.{name}.b", f"a.b.{name}"):
        for make in (
            lambda: ref(path),  # noqa: B023 - called at once
            lambda: runner.chain().next(print, args=[path]),  # noqa: B023
            lambda: runner.chain().next(print, kwargs={"x": path}),  # noqa: B023
            lambda: runner.chain().next(print, when=path),  # noqa: B023
            lambda: runner.chain().next(print, log_fmt=f"{{{path}}}"),  # noqa: B023
            lambda: runner.chain().next(print, log_fmt=f"{{result.{name}}}"),
        ):
            with pytest.raises(ValueError, match="frames and code objects are off limits"):
                make()
    assert take(runner, name, **{name: 1}) == (1,)


@pytest.mark.guarantee(91)
def test_a_frame_by_another_name_leads_nowhere(runner: Runner, lines: Any) -> None:
    """No attribute or method result, whatever its name, leads to a frame or out of one."""

    class Holder:
        here = sys._getframe()
        code = here.f_code

        def look(self) -> Any:
            return self.here

    paths = ["holder.here", "holder.here.f_lineno", "holder.code.co_consts", "frame.f_lineno"]
    inputs = {"holder": Holder(), "frame": Holder.here}
    assert take(runner, *paths, **inputs) == (None,) * len(paths)
    line = "{holder.here} {holder.look.f_lineno} {frame.f_lineno} {holder.code.co_consts}"
    runner.run(runner.chain().next(runner.fn(lambda: 1), log_fmt=line), **inputs)
    assert lines() == [("INFO", "None None None None")]


@pytest.mark.guarantee(91)
@pytest.mark.parametrize("path", ["held.frame", "held.code", "listed.0", "listed.1", "info.0"])
def test_a_frame_in_a_container_leads_nowhere(runner: Runner, path: str) -> None:
    """Neither a key nor an index leads to a frame or a code object."""
    frame = sys._getframe()
    held = {"frame": frame, "code": frame.f_code}
    listed = [frame, frame.f_code]
    info = inspect.getframeinfo(frame)._replace(filename=frame)  # type: ignore[arg-type]
    assert take(runner, path, held=held, listed=listed, info=info) == (None,)


@pytest.mark.guarantee(90)
def test_a_chain_within_names_the_input_that_leads_nowhere(runner: Runner) -> None:
    """The failure of a chain names the reference that was its input, and it is not retried."""
    calls = []

    def read(order: Any) -> Any:
        calls.append(order)
        return order["id"]

    inner = runner.chain().next(runner.fn(read), args=["order"], name="read")
    chain = runner.chain().next(inner, kwargs={"order": "orer"}, retries=2)
    with (
        no_waiting(),
        pytest.raises(StepFailedError, match=r"read.*TypeError.*'orer'"),
    ):
        runner.run(chain, order={"id": 1})
    assert calls == [None]


def test_inputs_are_the_names_that_nothing_provides(runner: Runner) -> None:
    """In order of their first use; a nested chain with `kwargs` does not see them."""
    fn = runner.fn(lambda *_: 1)
    inner = runner.chain().next(fn, args=["inner", "given.x"], out="of_inner")
    chain = (
        runner
        .chain()
        .put("currency", "EUR")
        .next(fn, out="rows", args=["day", "currency"])
        .parallel(runner.chain().next(fn, out="left", args=["rows", "zone.name"]))
        .next(inner, kwargs={"given": "order"})
        .next(fn, args=["left", "of_inner", "day"], when="express", log_fmt="{note} {result}")
    )
    assert chain.inputs == ("day", "zone", "order", "note", "express")
    (problem,) = chain.check(*chain.inputs)  # what the nested chain should get from its `kwargs`
    assert problem.startswith("step 'of_inner': args refers to 'inner', but no earlier step")
    assert runner.chain().inputs == ()
