"""One order, four frameworks, one ID: ``python demo.py [orders.jsonl]``, or ``nox -s demo``.

Exit status: 0 if each order was answered and came to an end, 1 if not, 2 if there is nothing to do,
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

import real_broker
from customers import Placed, follow, place
from interrupts import Interrupted, Interrupts
from orders import Order, read_orders
from processes import HERE, Service, ServiceError, Services, free_ports
from report import Bars, Kept, Report

if TYPE_CHECKING:
    from collections.abc import Iterator


KEPT = HERE.parents[1] / "build" / "shop"
"""Where the logs of the latest run are kept."""


class NothingToDoError(Exception):
    """There are no orders, or there is no broker."""


class UnfinishedError(Exception):
    """An order was not answered, or has no outcome."""


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(description="Sends orders through four frameworks.")
    ours = Path(os.path.relpath(HERE / "orders.jsonl"))
    parser.add_argument("orders", type=Path, nargs="?", default=ours, help="a file of JSON lines")
    path = parser.parse_args().orders
    interrupts, report = Interrupts(), Report()
    try:
        orders = load(path, report)
        with run_folder(interrupts, report) as run:
            placed, mermaid, graph = serve(report, run, orders, interrupts)
            tell(report, placed, mermaid, keep(run, graph))
    except NothingToDoError as error:
        report.trouble(str(error))
        return 2
    except (ServiceError, UnfinishedError) as error:
        report.trouble(str(error))
        return 1
    except Interrupted as interrupted:
        report.trouble(f"{interrupted}: stopped, and no process is left.")
        return interrupted.exit_status
    return 0


def load(path: Path, report: Report) -> list[Order]:
    """The orders to send, once it is clear that they can be. Says what is wrong with the others."""
    try:
        orders, problems = read_orders(path)
        real_broker.probe()
    except OSError as error:
        raise NothingToDoError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise NothingToDoError(str(error)) from error
    report.opening(path, len(orders), problems, real_broker.name())
    if not orders:
        raise NothingToDoError(f"{path}: no orders in it")
    return orders


@contextlib.contextmanager
def run_folder(interrupts: Interrupts, report: Report) -> Iterator[Path]:
    """A folder for logs, database and queue, which is kept only if something goes wrong."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-shop-"))
    keep = False
    try:
        yield folder
    except Exception:
        keep = True
        report.trouble(f"The logs are in {folder}")
        raise
    finally:
        with interrupts.held():
            real_broker.clean_up(folder.name)
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)


def serve(
    report: Report, run: Path, orders: list[Order], interrupts: Interrupts
) -> tuple[list[Placed], str, str]:
    """Run the services and send them the orders.

    Returns how these ended, and the flow as Mermaid and as JSON.
    """
    shop, warehouse, carrier = free_ports(3)
    variables = {
        "SHOP_RUN": str(run),
        "TMPDIR": str(run),
        "SHOP_QUEUE": run.name,
        "SHOP_URL": f"http://127.0.0.1:{shop}",
        "WAREHOUSE_URL": f"http://127.0.0.1:{warehouse}",
        "CARRIER_URL": f"http://127.0.0.1:{carrier}",
        "DJANGO_SETTINGS_MODULE": "warehouse.settings",
    }
    services = [
        Service("shop", f"-m uvicorn shop:app --port {shop}", shop),
        Service("worker", "-m celery -A worker worker --concurrency 2", log_words=" ready."),
        Service("warehouse", f"manage.py runserver --noreload {warehouse}", warehouse),
        Service("carrier", f"-m flask --app carrier run --port {carrier}", carrier),
    ]
    with (
        report.progress(len(services), len(orders)) as bars,
        Services(run, variables, interrupts) as running,
    ):
        running.do("manage.py migrate")
        for up in running.start(services):
            bars.started(up)
        placed = deliver(variables["SHOP_URL"], orders, running, bars)
        return placed, running.do("flows.py mermaid"), running.do("flows.py json")


def deliver(shop_url: str, orders: list[Order], running: Services, bars: Bars) -> list[Placed]:
    """Send the orders to the shop, and wait for their outcomes."""
    placed = []
    with httpx.Client(base_url=shop_url, trust_env=False, timeout=10) as shop:
        try:
            for order in place(shop, orders):
                running.check()
                placed.append(order)
                bars.sent(len(placed))
            for ended in follow(shop, placed):
                running.check()
                bars.ended(ended)
        except httpx.HTTPError as error:
            running.check()
            raise ServiceError(f"the shop does not answer: {error}") from error
    return placed


def keep(run: Path, graph: str) -> Kept:
    """Copy the logs out of the run's folder, and write the flow beside them."""
    shutil.rmtree(KEPT, ignore_errors=True)
    kept = Kept(Path(os.path.relpath(KEPT)))
    kept.logs.mkdir(parents=True)
    for log in run.glob("*.jsonl"):
        shutil.copy(log, kept.logs)
    kept.graph.write_text(graph, encoding="utf-8")
    return kept


def tell(report: Report, placed: list[Placed], mermaid: str, kept: Kept) -> None:
    """Print orders, flow, story and audit. Raises ``UnfinishedError`` if an order has no end."""
    runs = report.orders(placed, kept)
    report.flow(mermaid)
    report.story(placed, runs, kept)
    report.audit(kept)
    report.page(kept)
    open_orders = [order.number for order in placed if order.status in {"error", "open"}]
    if open_orders:
        raise UnfinishedError(f"No outcome: {', '.join(open_orders)}")


if __name__ == "__main__":
    sys.exit(main())
