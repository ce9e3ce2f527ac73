"""One order, four frameworks, one ID: ``python demo.py [orders.jsonl]``, or ``nox -s demo``.

With ``--durable``, the worker fulfils orders by a durable chain instead of a task: it is killed in
the middle of every fifth order, and of an undo of every tenth.

Exit status: 0 if each order was answered and came to an end, with at most one parcel, 1 if not,
2 if there is nothing to do, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx

import real_broker
from customers import PATIENCE_SECONDS, Placed, follow, place
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
    """An order was not answered, has no outcome, or has two parcels."""


class Served(NamedTuple):
    """What came of the orders."""

    placed: list[Placed]
    parcels: dict[str, list[str]]
    """The carrier's ledger: the parcels of each order."""
    mermaid: str
    """The flow, drawn."""


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(description="Sends orders through four frameworks.")
    ours = Path(os.path.relpath(HERE / "orders.jsonl"))
    parser.add_argument("orders", type=Path, nargs="?", default=ours, help="a file of JSON lines")
    parser.add_argument("--durable", action="store_true", help="fulfil them by a durable chain")
    options = parser.parse_args()
    path = options.orders
    interrupts, report = Interrupts(), Report()
    try:
        orders = load(path, report)
        if options.durable:
            orders = list(with_faults(orders))
        with run_folder(interrupts, report) as run:
            served = serve(report, run, orders, interrupts, durable=options.durable)
            tell(report, served, keep(run))
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


def with_faults(orders: list[Order]) -> Iterator[Order]:
    """Kill the worker in every fifth order, and fail every tenth, so that it is undone.

    Orders that the shop will reject do not count.
    """
    count = 0
    for order in orders:
        quantity = order.get("quantity")
        if isinstance(quantity, int) and quantity > 0:
            count += 1
            order = {**order, "kill_worker": count % 5 == 0}  # noqa: PLW2901 - the next form of it
            if count % 10 == 0:
                order["carrier_failures"] = 100
        yield order


def serve(
    report: Report, run: Path, orders: list[Order], interrupts: Interrupts, *, durable: bool
) -> Served:
    """Run the services and send them the orders. Returns how these ended, and the flow drawn."""
    shop, warehouse, carrier, worker = free_ports(4)
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
    if durable:
        variables["FULFILMENT_URL"] = f"http://127.0.0.1:{worker}"
        services[1] = Service("worker", f"keep_running.py fulfilment.py {worker}", worker)
    with (
        report.progress(len(services), len(orders)) as bars,
        Services(run, variables, interrupts) as running,
    ):
        running.do("manage.py migrate")
        for up in running.start(services):
            bars.started(up)
        placed = deliver(variables["SHOP_URL"], orders, running, bars)
        mermaid = running.do(f"{'fulfilment' if durable else 'flows'}.py {run / 'order.json'}")
        if durable:
            end_runs(variables["FULFILMENT_URL"])
        ledger = httpx.get(f"{variables['CARRIER_URL']}/parcels", trust_env=False, timeout=60)
        return Served(placed, ledger.json(), mermaid)


def end_runs(worker_url: str) -> None:
    """Wait until the last runs have ended: the shop hears of an outcome a moment before."""
    deadline, runs = time.monotonic() + PATIENCE_SECONDS, None
    while runs != {}:
        if time.monotonic() > deadline:
            raise ServiceError(f"runs that have not ended: {runs}")
        time.sleep(0.1)
        with contextlib.suppress(httpx.TransportError):  # it is starting again
            runs = httpx.get(f"{worker_url}/fulfilments", trust_env=False).json()


def deliver(shop_url: str, orders: list[Order], running: Services, bars: Bars) -> list[Placed]:
    """Send the orders to the shop, and wait for their outcomes."""
    placed = []
    with httpx.Client(base_url=shop_url, trust_env=False, timeout=PATIENCE_SECONDS) as shop:
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


def keep(run: Path) -> Kept:
    """Copy the logs and the flow out of the run's folder."""
    shutil.rmtree(KEPT, ignore_errors=True)
    kept = Kept(Path(os.path.relpath(KEPT)))
    kept.logs.mkdir(parents=True)
    for log in run.glob("*.jsonl"):
        shutil.copy(log, kept.logs)
    shutil.copy(run / "order.json", kept.graph)
    return kept


def tell(report: Report, served: Served, kept: Kept) -> None:
    """Print orders, flow, story and audit. Raises ``UnfinishedError`` if an order has no end."""
    runs = report.orders(served.placed, kept)
    report.flow(served.mermaid)
    report.story(served.placed, runs, kept)
    report.audit(kept)
    report.ledger(served.parcels)
    report.page(kept)
    open_orders = [order.number for order in served.placed if order.status in {"error", "open"}]
    if open_orders:
        raise UnfinishedError(f"No outcome: {', '.join(open_orders)}")
    twice = [number for number, parcels in served.parcels.items() if len(parcels) > 1]
    if twice:
        raise UnfinishedError(f"Booked twice: {', '.join(twice)}")


if __name__ == "__main__":
    sys.exit(main())
