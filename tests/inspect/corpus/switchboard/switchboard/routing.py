"""Where a call goes: rules, in a table and in a match."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from functools import singledispatch
from pathlib import Path

from headrace import entrypoint, flow, step

from .call import Call

routing = flow("routing")
TESTS: dict[str, Callable[[object, object], bool]] = {
    "is": operator.eq,
    "contains": operator.contains,
}


@entrypoint("routing")
def route(call: Call, rules: Path) -> str:
    for rule in load_rules(rules):
        if TESTS[rule["test"]](call.number, rule["value"]):
            return apply_rule(rule, call)
    describe(call)
    return default_route(call)


@routing.step(after=route)
def load_rules(path: Path) -> list[dict[str, str]]:
    return [normalise_rule(rule) for rule in json.loads(path.read_text("utf-8"))]


@routing.step(after=load_rules)
def normalise_rule(rule: dict[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in rule.items()}


@routing.step(after=normalise_rule)
def apply_rule(rule: dict[str, str], call: Call) -> str:
    match rule["action"]:
        case "forward":
            return forward(call, rule["to"])
        case "drop":
            return drop(call)
        case other:
            return globals()[f"route_by_{other}"](call)


@routing.step(after=apply_rule)
def forward(call: Call, number: str) -> str:
    return number


@routing.step(after=["forward"])
def drop(call: Call) -> str:
    return ""


@routing.step(after=apply_rule)
def route_by_time(call: Call) -> str:
    return "night desk"


@routing.step(after="load_rules")
def default_route(call: Call) -> str:
    return "desk"


@routing.step(after=drop)
def announce_drop(call: Call) -> None:
    """Dropped calls hear nothing."""


@singledispatch
def describe(thing: object) -> str:
    return str(thing)


@describe.register
@step("routing", after="load_rules")
def describe_call(call: Call) -> str:
    return call.caller
