"""Injects faults into the demo's system on Redis; the audit must name each, and nothing else.

``python -m tests.trace.injection.soak [COUNT] [SEED]``, or ``nox -s audit_soak``. Exit status 0 if
the cases are those that were injected; a duplicate of Redis's own counts if the ledger of the runs
has it. Logs are rotated and compressed meanwhile. ``faults.py`` has the faults: lost publishes,
failed sends, lost messages, duplicates, kills between any two lines, stuck tasks, errors.

No line can show these, so that none of them is injected:

- an effect of a run that was killed between the effect and its line;
- a kill before the line ``unit.start``, if the message is then delivered again;
- a loss whose publisher was killed before its line ``task.published``;
- a message for the same work that was published again under another task ID;
- whatever lines would have shown that are lost themselves.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import httpx
import zstandard

from tests.brokers import find_redis
from tests.trace.injection.faults import FAULTS, Ledger, fault_of, wanted_kinds

HERE = Path(__file__).resolve().parent
SHOP = HERE.parents[2] / "examples" / "shop"
AT_ONCE, SLOT = 8, 3.0  # orders; seconds that an order without an outcome takes
START_SECONDS = 180  # on a busy machine
PATIENCE = 300  # seconds without an outcome
GRACE = 3  # seconds
ROTATIONS = 6
ENDS = 100  # orders at the end, each 2 seconds after the other


def main() -> int:
    """Run the system once and return the exit status."""
    parser = argparse.ArgumentParser(description="Injects faults and audits the logs.")
    parser.add_argument("count", type=int, nargs="?", default=30, help="faults")
    parser.add_argument("seed", type=int, nargs="?", default=1)
    options = parser.parse_args()
    wanted = orders(options.count, options.seed)
    os.environ["PYTHONPATH"] = str(HERE)
    sys.path.insert(0, str(SHOP))
    with (
        tempfile.TemporaryDirectory(prefix="headrace-audit-") as folder,
        find_redis(Path(folder)) as url,
    ):
        os.environ["HEADRACE_DEMO_BROKER"] = url
        wrong = run(Path(folder), wanted)
    each = Counter(
        fault_of(order["number"]) for order in wanted if fault_of(order["number"]) in FAULTS
    )
    counts = ", ".join(f"{count} {fault}" for fault, count in sorted(each.items()))
    summary = f"{options.count} faults, seed {options.seed}: {len(wrong)} wrong ({counts})"
    sys.stdout.write("\n".join([*wrong, summary, ""]))
    return 1 if wrong else 0


def orders(count: int, seed: int) -> list[dict[str, Any]]:
    """Return `count` orders with faults and half as many without, shuffled, between good ones."""
    random = Random(seed)
    faults = [random.choice(list(FAULTS)) for _ in range(count)] + ["fine"] * (count // 2)
    random.shuffle(faults)
    fine = ["fine"] * AT_ONCE
    return [
        {
            "number": f"{fault}-{number}",
            "article": "mug",
            "quantity": 1,
            "carrier_failures": int(fault == "down"),
        }
        for number, fault in enumerate([*fine, *faults, *fine])
    ]


def run(folder: Path, wanted: list[dict[str, Any]]) -> list[str]:
    """Run the services, send the orders, and return what is wrong with the audit."""
    import processes  # of the demo, as are the next two
    import real_broker
    from interrupts import Interrupts
    from processes import Service, Services, free_ports

    processes.START_SECONDS = START_SECONDS
    shop, warehouse, carrier = free_ports(3)
    variables = {
        "SHOP_RUN": str(folder),
        "TMPDIR": str(folder),
        "SHOP_QUEUE": folder.name,
        "SHOP_URL": f"http://127.0.0.1:{shop}",
        "WAREHOUSE_URL": f"http://127.0.0.1:{warehouse}",
        "CARRIER_URL": f"http://127.0.0.1:{carrier}",
        "DJANGO_SETTINGS_MODULE": "warehouse.settings",
    }
    services = [
        Service("shop", f"-m uvicorn faulty_shop:app --port {shop}", shop),
        Service("worker", f"-m celery -A faulty_worker worker -c {AT_ONCE}", log_words=" ready."),
        Service("warehouse", f"manage.py runserver --noreload {warehouse}", warehouse),
        Service("carrier", f"-m flask --app carrier run --port {carrier}", carrier),
    ]
    try:
        with Services(folder, variables, Interrupts()) as running:
            running.do("manage.py migrate")
            fill_up(folder / "warehouse.sqlite3")
            for _ in running.start(services):
                pass
            # uvicorn closes the connection after an error.
            limits = httpx.Limits(max_keepalive_connections=0)
            url = variables["SHOP_URL"]
            with httpx.Client(base_url=url, trust_env=False, timeout=60, limits=limits) as http:
                sent = send(http, wanted, folder)
                return audit_until_told(http, sent, folder)
    finally:
        real_broker.clean_up(folder.name)


def fill_up(database: Path) -> None:
    """Put enough on the shelves for every order: one that is refused never meets its fault."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE warehouse_stock SET free = 1000000")


def send(http: httpx.Client, wanted: list[dict[str, Any]], folder: Path) -> dict[str, str]:
    """Send the orders, a few at once; return the correlation ID of each, by its number."""
    sent: dict[str, str] = {}
    since: dict[str, float] = {}
    rest, give_up = list(reversed(wanted)), time.monotonic() + PATIENCE
    while rest or since:
        outcomes = http.get("/orders").raise_for_status().json()
        now = time.monotonic()
        for number, began in list(since.items()):
            fault = FAULTS.get(fault_of(number))
            has_outcome = fault is None or fault.has_outcome
            if outcomes[number] or (not has_outcome and now > began + SLOT):
                del since[number]
                give_up = now + PATIENCE
        if now > give_up:
            raise TimeoutError(f"no outcome of {', '.join(since)}")
        while rest and len(since) < AT_ONCE:
            order = rest.pop()
            response = http.post("/orders", json=order)
            if response.is_error and fault_of(order["number"]) != "unsent":
                response.raise_for_status()
            sent[order["number"]] = response.headers["X-Correlation-ID"]
            since[order["number"]] = time.monotonic()
            if len(sent) % (len(wanted) // ROTATIONS) == 0:
                rotate(folder, len(sent))
        time.sleep(0.1)
    return sent


def rotate(folder: Path, number: int) -> None:
    """Rename the logs, as logrotate does, and compress those that were renamed before."""
    for index, log in enumerate(sorted(folder.glob("*.jsonl.*[0-9]"))):
        kind, compress = (".gz", gzip.compress) if index % 2 else (".zst", zstandard.compress)
        draft = log.with_name(f".{log.name}")
        draft.write_bytes(compress(log.read_bytes()))
        draft.rename(f"{log}{kind}")
        log.unlink()
    for log in folder.glob("*.jsonl"):
        log.rename(f"{log}.{number}")


def audit_until_told(http: httpx.Client, sent: dict[str, str], folder: Path) -> list[str]:
    """Send further orders until nothing is open, then compare the cases with the faults."""
    for count in range(ENDS):
        order = {"number": f"last-{count}", "article": "mug", "quantity": 1}
        http.post("/orders", json=order).raise_for_status()
        time.sleep(2)
        found = audit(folder)
        if not found["under_way"] and not found["unjudged"]:
            return compare(found["cases"], sent, Ledger(folder).read())
    return [f"not told: {found['under_way']} under way, {found['unjudged']}"]


def audit(folder: Path) -> dict[str, Any]:
    """Return what the audit finds, from JSON."""
    command = [sys.executable, "-m", "headrace", "trace", "audit", "--json"]
    logs = [*folder.glob("*.jsonl*")]
    done = subprocess.run(
        [*command, "--grace", f"{GRACE}s", *logs], check=False, capture_output=True
    )
    if done.stderr:
        raise RuntimeError(done.stderr.decode())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(
    cases: list[dict[str, Any]], sent: dict[str, str], noted: dict[str, Counter[str]]
) -> list[str]:
    """Return which faults have no case, and which cases have no fault.

    Args:
        cases: what the audit found.
        sent: the correlation ID of each order.
        noted: what the ledger has of each order.
    """
    numbers = {flow_id: number for number, flow_id in sent.items()}
    wanted: Counter[Any] = Counter()
    wrong = []
    for number in sent:
        kinds = wanted_kinds(number, noted[number])
        wanted.update({(kind, number): count for kind, count in kinds.items()})
        fault = FAULTS.get(fault_of(number))
        if fault and not kinds.keys() & {*fault.kinds, "retries_exhausted"}:
            wrong.append(f"not injected: {number}")
    named = Counter((case["kind"], numbers.get(case["flow_id"])) for case in cases)
    wrong += [f"not named: {key}, {count} times" for key, count in (wanted - named).items()]
    return wrong + [
        f"wrongly named: {key}, {count} times" for key, count in (named - wanted).items()
    ]


if __name__ == "__main__":
    sys.exit(main())
