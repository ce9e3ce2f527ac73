"""The shop of the demo is what it says."""

from __future__ import annotations

from pathlib import Path

from headrace_inspect import check
from tests.inspect.check_kit import Folder

SHOP = Path(__file__).parents[2] / "examples" / "shop"


def test_shop_is_shown_edge_by_edge(folder: Folder) -> None:
    """``headrace check --require-shown examples/shop`` passes: a flow and a chain."""
    done = folder.check("--require-shown", str(SHOP))
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("no findings; 11 steps, 11 edges: 11 shown, ")


def test_evidence_leads_from_one_service_to_the_next() -> None:
    """The task is enqueued in the shop; what the worker asks for is found in the other services."""
    edges = {edge.id: edge for edge in check([str(SHOP)]).edges}
    kinds = {name: edge.kind for name, edge in edges.items()}
    assert kinds["order:receive->fulfil"] == "enqueue"
    assert kinds["order:fulfil->reserve"] == kinds["order:book->confirm"] == "http"
    files = [Path(link.place.file).name for link in edges["order:reserve->book"].evidence]
    assert (files[0], files[-1]) == ("worker.py", "carrier.py")


def test_address_is_followed_through_helpers(folder: Folder) -> None:
    """A helper of a helper that sends a request reaches the route whose address it was given."""
    source = """
        import httpx
        from flask import Flask
        from headrace import flow

        app = Flask("shop")
        order = flow("order")


        @order.entrypoint
        def receive(order):
            tell(order, "late")
            tell(order, order.reason)


        def tell(order, reason):
            ask("PUT", f"http://localhost/orders/{order}/outcome", reason)


        def ask(method, url, body):
            httpx.request(method, url, json=body).raise_for_status()


        @app.put("/orders/<order>/outcome")
        @order.step(after="receive")
        def confirm(order): ...
    """
    folder.write({"shop.py": source})
    (edge,) = check(["shop.py"]).edges
    assert (edge.verdict, edge.kind) == ("shown", "http")
