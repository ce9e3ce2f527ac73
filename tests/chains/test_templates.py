"""Log lines made by templates."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.chains.runners import Runner


@dataclass
class Loaded:
    count_of: int = 3

    def count(self) -> int:
        return self.count_of

    def needs(self, argument: int) -> int:
        return argument

    def fails(self) -> int:
        raise RuntimeError

    async def later(self) -> int:
        return 1

    def itself(self) -> Loaded:
        return self


def line_of(runner: Runner, lines: Any, template: str, made: Any = None, /, **inputs: Any) -> str:
    """Return the line that a step with this template logs."""
    chain = runner.chain().next(runner.fn(lambda: made), out="made", log_fmt=template)
    runner.run(chain, **inputs)
    ((level, text),) = lines()
    assert level == "INFO"
    return text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("made {made.count} of {raw.__len__}", "made 3 of 2"),
        ("{result.count_of} {result.itself.count}", "3 3"),
        ("{raw} {order}", '[1, "ü"] {"id": 7, "deep": {"a": [1]}}'),
        ("{order.id} {order.deep.a}", "7 [1]"),
        ("{missing} {order.missing} {missing.x}", "None None None"),
        ("{{{order.id}}}", "{7}"),
        ("{text} 100%", "plain 100%"),
        ("{nothing} {flag} {pair}", "None True (1, 2)"),
        ("{made.needs} {made.fails} {made.later}", "<TypeError> <RuntimeError> <TypeError>"),
        ("{a-b}", "dashed"),
        ("", ""),
    ],
)
def test_a_template_renders_values(runner: Runner, lines: Any, template: str, text: str) -> None:
    """Values as text, dicts and lists as JSON, methods called; what cannot be read does no harm."""
    inputs: dict[str, Any] = {
        "raw": [1, "ü"],
        "order": {"id": 7, "deep": {"a": [1]}},
        "text": "plain",
        "nothing": None,
        "flag": True,
        "pair": (1, 2),
        "a-b": "dashed",
    }
    assert line_of(runner, lines, template, Loaded(), **inputs) == text


def test_json_survives_cycles_and_strange_values(runner: Runner, lines: Any) -> None:
    """A cycle is cut, an object is shown as text, keys become text."""
    cycle: dict[Any, Any] = {1: {2}, "o": Loaded}
    cycle["self"] = cycle
    text = line_of(runner, lines, "{result}", cycle)
    assert text == f'{{"1": [2], "o": "{Loaded}", "self": "<cycle>"}}'


def test_an_object_that_cannot_be_shown_is_named_by_its_error(runner: Runner, lines: Any) -> None:
    """Logging cannot fail a step."""

    class Shy:
        def __str__(self) -> str:
            raise ValueError

    assert line_of(runner, lines, "{result}", Shy()) == "<ValueError>"


def test_a_function_in_a_mapping_is_not_called(runner: Runner, lines: Any) -> None:
    """Only methods are called; a function that is a value is a value."""
    called: list[int] = []
    text = line_of(runner, lines, "{box.f}", box={"f": lambda: called.append(1)})
    assert "lambda" in text
    assert called == []


def test_result_is_the_steps_own_result(runner: Runner, lines: Any) -> None:
    """`{result}` is this step's result, also where the context has a key `result`."""
    assert line_of(runner, lines, "{result}", "mine", result="other") == "mine"


@pytest.mark.guarantee(44)
@pytest.mark.parametrize(
    "token", ["raw.__class__", "__globals__", "result.__init__.__globals__", "raw.__dict__"]
)
def test_a_template_reaches_no_double_underscore_name_but_len(runner: Runner, token: str) -> None:
    """Refused with a `ValueError` when the chain is built."""
    with pytest.raises(ValueError, match=r"name allowed is __len__"):
        runner.chain().next(print, log_fmt=f"n={{{token}}}")


@pytest.mark.parametrize(
    "template",
    [
        "{raw",
        "raw}",
        "{}",
        "{raw!r}",
        "{raw:>9}",
        "{ raw }",
        "{raw..x}",
        "{raw.}",
        "{a{b}}",
        "{0[1]}",
    ],
)
def test_a_broken_token_is_refused_when_the_chain_is_built(runner: Runner, template: str) -> None:
    """The message shows the template."""
    with pytest.raises(ValueError, match="log_fmt"):
        runner.chain().next(print, log_fmt=template)


def test_a_template_is_a_string(runner: Runner) -> None:
    """Anything else is refused."""
    with pytest.raises(TypeError, match="log_fmt"):
        runner.chain().next(print, log_fmt=5)


def test_nothing_is_rendered_while_the_level_is_off(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """Below the level no value is looked at."""
    caplog.set_level(logging.WARNING, "headrace.chain")
    touched: list[str] = []

    class Touchy:
        @property
        def name(self) -> str:
            touched.append("name")
            return "x"

    chain = runner.chain().next(runner.fn(Touchy), out="made", log_fmt="{made.name}")
    runner.run(chain)
    assert touched == []
    caplog.set_level(logging.INFO, "headrace.chain")
    runner.run(chain)
    assert touched == ["name"]


def test_the_line_carries_the_operation_and_the_step(runner: Runner, lines: Any) -> None:
    """Logged inside the step, so that the filter of headrace finds its ID and name."""
    import headrace.logging

    seen: list[Any] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.flow_id, record.flow, record.step))  # type: ignore[attr-defined]

    handler = Keeper()
    handler.addFilter(headrace.logging.FlowFilter())
    logging.getLogger("headrace.chain").addHandler(handler)
    try:
        chain = runner.chain("logged").next(runner.fn(Loaded), out="made", log_fmt="x")
        with headrace.open_context("op-1"):
            runner.run(chain)
    finally:
        logging.getLogger("headrace.chain").removeHandler(handler)
    assert seen == [("op-1", "logged", "made")]
