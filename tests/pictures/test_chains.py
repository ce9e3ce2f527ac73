"""Chains as they are drawn: what `Chain.graph` and the flow of the chain's name say of a step."""

from __future__ import annotations

from typing import Any

from headrace import AsyncChain, Chain, get_flow


def load(key: Any = None) -> Any:
    """Be a step."""
    return key


def refund(result: Any) -> None:
    """Be an undo."""


def built(name: str | None) -> Chain:
    """Return a chain with branches, one within another."""
    inner = (
        Chain()
        .next(load, name="deep")
        .parallel(Chain().next(load, name="deeper_left"), Chain().next(load, name="deeper_right"))
    )
    return (
        Chain(name)
        .next(load, name="fetch", retries=3)
        .parallel(Chain().next(load, name="left", retries=1), inner)
        .next(load, name="charge", undo=refund)
        .next(load, name="ship", when="order.is_paid", undo=lambda result: None)
        .next(load, name="tell", when=lambda context: True)
    )


NOTES = {
    "fetch": (("retries", "3"),),
    "left": (("parallel", "1 of 2"), ("retries", "1")),
    "deep": (("parallel", "2 of 2"),),
    "deeper_left": (("parallel", "2 of 2, 1 of 2"),),
    "deeper_right": (("parallel", "2 of 2, 2 of 2"),),
    "charge": (("undo", "refund"),),
    "ship": (("when", "order.is_paid"), ("undo", "")),
    "tell": (("when", ""),),
}


def test_chain_tells_branches_retries_conditions_and_undos() -> None:
    """Each step has its notes, in the chain's own graph."""
    assert built(None).graph().notes == NOTES


def test_named_chain_is_drawn_alike_as_the_flow_of_its_name() -> None:
    """The flow's graph has the same steps, edges and notes as the chain's."""
    chain = built("pictures.chain")
    flow = get_flow("pictures.chain").graph()
    assert flow.notes == NOTES
    assert (flow.nodes, flow.edges) == (chain.graph().nodes, chain.graph().edges)
    assert flow.render("svg") == chain.graph().render("svg")


def test_timeout_is_noted() -> None:
    """A step's timeout is told in seconds."""
    chain = AsyncChain().next(load, name="fetch", timeout=2.5)
    assert chain.graph().notes == {"fetch": (("timeout", "2.5 s"),)}
    assert "[timeout 2.5 s]" in chain.graph().render("text")
