"""One order, four frameworks, one ID: ``python demo.py [orders.jsonl]``, or ``nox -s demo``.

Exit status: 0 if each order's ID was seen wherever the order went and nowhere else, 1 if not,
2 if there is nothing to do, 130 after Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

import real_broker
from check import check, read_logs
from customers import Placed, follow, place
from interrupts import Interrupted, Interrupts
from orders import Order, read_orders
from processes import HERE, Service, ServiceError, Services, free_ports
from report import Bars, Report

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnprovenError(Exception):
    """The check found something wrong."""


def main(arguments: list[str]) -> int:
    """Run the demo and return its exit status."""
    interrupts, report = Interrupts(), Report()
    path = Path(arguments[0] if arguments else os.path.relpath(HERE / "orders.jsonl"))
    try:
        orders, problems = read_orders(path)
        real_broker.probe()
    except (OSError, ValueError) as error:
        report.trouble(str(error))
        return 2
    report.opening(path, len(orders), problems, real_broker.name())
    if not orders:
        report.trouble(f"{path}: no orders in it")
        return 2
    try:
        with run_folder(interrupts, report) as run:
            tell(report, run, *serve(report, run, orders, interrupts))
    except (ServiceError, UnprovenError) as error:
        report.trouble(str(error))
        return 1
    except Interrupted as interrupted:
        report.trouble(f"{interrupted}: stopped, and no process is left.")
        return interrupted.exit_status
    return 0


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
) -> tuple[list[Placed], str]:
    """Run the services and send them the orders. Returns how these ended, and the flow drawn."""
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
        return placed, running.do("flows.py")


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


def tell(report: Report, run: Path, placed: list[Placed], drawing: str) -> None:
    """Print the story, the orders, the flow and the check. Raises ``UnprovenError`` if it fails."""
    lines = read_logs(run)
    findings = check(placed, lines)
    report.story(placed, lines)
    report.orders(placed)
    report.flow(drawing)
    report.findings(findings, lines)
    if any(findings.values()):
        raise UnprovenError("The check failed.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
