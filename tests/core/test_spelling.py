"""Suggestions for misspelt names."""

from __future__ import annotations

import inspect

import pytest

import headrace
from headrace.commands import name_hint, nearest_name
from headrace.integration import checks_keywords
from headrace.logging import FlowFilter, Formatter, install
from headrace.structlog import FlowProcessor


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TRUST_INBOND", "TRUST_INBOUND"),
        ("trust_inbound", "TRUST_INBOUND"),
        ("Trust_Inbond", "TRUST_INBOUND"),
        ("zzz", None),
        (17, None),
    ],
)
def test_the_nearest_name(name, nearest):
    """Case is ignored; a name of another type matches none."""
    assert nearest_name(name, ["COMMANDS", "TRUST_INBOUND"]) == nearest


@pytest.mark.guarantee(59)
def test_the_hint():
    """It names the nearest name, or all of them; a one-shot iterable is accepted."""
    assert name_hint("backnd", iter(["backend", "strict"])) == "did you mean 'backend'?"
    assert name_hint("zzz", iter(["backend", "strict"])) == "choose one of backend, strict"


@pytest.mark.guarantee(59)
def test_a_misspelt_keyword():
    """The function is not called; the message names the function and the nearest keyword."""

    class Kettle:
        @checks_keywords
        def __init__(self, water: int, /, *, degrees: int = 100) -> None:
            self.degrees = degrees

    assert Kettle(1, degrees=80).degrees == 80
    assert [*inspect.signature(Kettle).parameters] == ["water", "degrees"]
    with pytest.raises(TypeError, match=r"Kettle\(\) has no option 'degree'; did you mean 'd"):
        Kettle(1, degree=80)
    with pytest.raises(TypeError, match="choose one of degrees"):
        Kettle(1, sugar=2)
    with pytest.raises(TypeError, match="missing 1 required"):
        Kettle()


@pytest.mark.guarantee(59)
@pytest.mark.parametrize(
    ("call", "option", "meant"),
    [
        (headrace.entrypoint, "afte", "after"),
        (headrace.step, "descripton", "description"),
        (headrace.flow("spelling").entrypoint, "nwe", "new"),
        (headrace.flow("spelling").step, "nmae", "name"),
        (headrace.generate_dag, "fromat", "format"),
        (headrace.open_context, "metdata", "metadata"),
        (FlowFilter, "feilds", "fields"),
        (Formatter, "feilds", "fields"),
        (install, "feilds", "fields"),
        (FlowProcessor, "feilds", "fields"),
    ],
)
def test_what_sets_up_answers_misspelt_options(call, option, meant):
    """Declarations, drawings and logging classes name the nearest option."""
    with pytest.raises(TypeError, match=rf"has no option '{option}'; did you mean '{meant}'"):
        call(**{option: "x"})
