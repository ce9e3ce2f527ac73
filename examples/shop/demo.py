"""One order, four frameworks, one ID: ``python demo.py [orders.jsonl]``, or ``nox -s demo``.

Exit status: 0 if each order's ID was seen wherever the order went and nowhere else, 1 if not,
2 if there is nothing to do, 130 after Ctrl-C.
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
from check import check, read_logs
from customers import Placed, follow, place
from interrupts import Interrupted, Interrupts
from orders import Order, read_orders
from processes import HERE, Service, ServiceError, Services, free_ports
from report import Bars, Report

if TYPE_CHECKING:
    from collections.abc import Iterator


class NothingToDoError(Exception):
    """There are no orders, or there is no broker."""


class UnprovenError(Exception):
    """The check found something wrong."""


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
            tell(report, run, *serve(report, run, orders, interrupts))
    except NothingToDoError as error:
        report.trouble(str(error))
        return 2
    except (ServiceError, UnprovenError) as error:
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
    """Print story, orders, flow, check and audit. Raises ``UnprovenError`` if it fails."""
    lines = read_logs(run)
    findings = check(placed, lines)
    report.story(placed, lines, run)
    report.orders(placed, lines)
    report.flow(drawing)
    report.findings(findings, lines)
    report.audit(run)
    report.page(run)
    if any(findings.values()):
        raise UnprovenError("The check failed.")


if __name__ == "__main__":
    sys.exit(main())
