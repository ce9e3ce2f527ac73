"""Flows to be drawn: well-behaved, realistic and hostile ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from headrace import FlowGraph, StepInfo
from headrace._drawing import Picture
from headrace._flows.draw import picture_of
from headrace._flows.graph import build_graph
from headrace._step_info import StepNote
from tests.pictures.realistic import FLOWS, Edges

HOSTILE = [
    "end",
    "graph",
    "subgraph",
    "style",
    "default",
    "class:x",
    "_self",
    "__proto__",
    "constructor",
    "n1",
    "two words",
    'say "hi"',
    "it's",
    "<script>alert(1)</script>",
    "</style><b>",
    "]]>",
    "a\\",
    "a&amp;b",
    "back`tick",
    "--> x",
    "%%comment",
    "#35;",
    "{{x}}",
    "${y}",
    "'; drop",
    "new\nline",
    "\x1b[31mred\x1b[0m",
    "\u202eevil",
    "\ud800",
    "日本語の手順",
    "עברית",
    "émile",
    "🚚 ship",
    "a" * 150,
    "a_very_long_name_with_many_words_in_it_that_goes_on_and_on_until_nobody_reads_it_any_more",
]
"""Names that break formats, or inject into them."""

VISIBLE = {
    "new\nline": "new\\nline",
    "\x1b[31mred\x1b[0m": "\\x1b[31mred\\x1b[0m",
    "\u202eevil": "\\u202eevil",
    "\ud800": "\\ud800",
}
"""How the names are written that hold something which cannot be seen."""


def shown(name: str) -> str:
    """Return `name` as a reader is to see it."""
    return VISIBLE.get(name, name)


def graph(
    name: str,
    edges: Iterable[tuple[str, str]],
    *,
    lone: Collection[str] = (),
    tasks: Collection[str] = (),
    file: str = "",
) -> FlowGraph:
    """Return the flow `name` with these edges; what nothing leads to is an entrypoint."""
    edges = list(edges)
    names = dict.fromkeys([*(node for edge in edges for node in edge), *lone])
    after = {n: tuple(a for a, b in edges if b == n) for n in names}
    return build_graph(
        name,
        [
            StepInfo(
                step,
                name,
                after[step],
                "task" if step in tasks else "function",
                not after[step],
                f"Say what {step} does.",
                file,
                line,
            )
            for line, step in enumerate(names, 10)
        ],
    )


def realistic() -> dict[str, FlowGraph]:
    """Return the realistic flows, drawn with some of their steps as tasks."""
    return {name: graph(name, edges, tasks=_tasks(edges)) for name, edges in FLOWS.items()}


def hostile() -> FlowGraph:
    """Return a flow of hostile names, under one, with hostile descriptions and places."""
    edges = [(HOSTILE[(i - 1) // 2], HOSTILE[i]) for i in range(1, len(HOSTILE))]
    plain = graph('<b>flow</b> & "co"', edges)
    infos = [
        StepInfo(
            *(step.name, step.flow, step.after, step.kind, step.is_entrypoint),
            "<img src=x onerror=alert(1)> \x1b[2J",
            "/no/where/<x>&.py",
            3,
        )
        for step in plain.steps.values()
    ]
    return build_graph(plain.name, infos)


def chain() -> FlowGraph:
    """Return a chain as `Chain.graph` gives it: branches, retries, a condition, undos."""
    after = {
        "fetch": (),
        "parse": ("fetch",),
        "stock": ("parse",),
        "price": ("parse",),
        "charge": ("stock", "price"),
        "ship": ("charge",),
    }
    notes = {
        "fetch": [StepNote("retries", "3"), StepNote("timeout", "2 s")],
        "stock": [StepNote("parallel", "1 of 2")],
        "price": [StepNote("parallel", "2 of 2")],
        "charge": [StepNote("undo", "refund")],
        "ship": [StepNote("when", "order.is_paid")],
    }
    infos = [StepInfo(n, "imports", a, "chain", not a) for n, a in after.items()]
    return build_graph("imports", infos, notes)


def shops() -> list[FlowGraph]:
    """Return four flows with links in both directions, a task, and a broken reference."""
    shop = graph(
        "shop",
        [("receive", "price"), ("price", "pay"), ("pay", "confirm"), ("carrier.book", "confirm")],
    )
    shop = _without(shop, "carrier.book")
    warehouse = _without(
        graph(
            "warehouse",
            [
                ("shop.pay", "fulfil"),
                ("fulfil", "reserve"),
                ("reserve", "pack"),
                ("reserve", "buy"),
            ],
            tasks=["fulfil", "buy"],
        ),
        "shop.pay",
    )
    carrier = _without(
        graph("carrier", [("warehouse.pack", "book"), ("book", "label")]), "warehouse.pack"
    )
    mail = _without(
        graph(
            "mail",
            [("write", "send"), ("shop.confirm", "send"), ("nowhere.at_all", "lost")],
            tasks=["send"],
        ),
        "shop.confirm",
        "nowhere.at_all",
    )
    return [shop, warehouse, carrier, mail]


def shop_map() -> Picture:
    """Return the map of `shops`."""
    return picture_of(shops())


def _without(whole: FlowGraph, *foreign: str) -> FlowGraph:
    """Return `whole` without the declarations of the steps that belong to other flows."""
    return build_graph(whole.name, [s for s in whole.steps.values() if s.name not in foreign])


def _tasks(edges: Edges) -> list[str]:
    targets = list(dict.fromkeys(target for _, target in edges))
    return targets[3::7]
