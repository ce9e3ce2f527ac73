"""The demo as a process, with the filesystem broker: what it prints, and how it ends."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import redis

from tests.demo.ids import printed_orders, wrong_ids
from tests.demo.shop import ORDERS, copy, kept_logs, run, start, survivors

if TYPE_CHECKING:
    from collections.abc import Callable

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A file with a few orders, one of each kind."""
    path = tmp_path / "my.jsonl"
    path.write_text(ORDERS, encoding="utf-8")
    return path


@pytest.fixture
def tmp(tmp_path: Path) -> Path:
    """The demo's temporary folder."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def shop_copy(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Makes a copy of the demo in which one thing in one file is replaced."""

    def changed(file: str, old: str, new: str) -> Path:
        shop = copy(tmp_path)
        replace(shop / file, old, new)
        return shop

    return changed


def replace(path: Path, old: str, new: str) -> None:
    """Replace text that must be in the file `path`."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def outcomes(out: str) -> dict[str, str]:
    """The outcome of each order, from the printed table."""
    return {number: order.outcome for number, order in printed_orders(out).items()}


def wrong(out: str, tmp: Path) -> list[str]:
    """The orders and lines whose ID is not the one that the shop's response named."""
    return wrong_ids(printed_orders(out), kept_logs(tmp.parent))


KILLED = """\
{"number": "T-7", "article": "mug", "quantity": 2, "carrier_failures": 1}
{"number": "T-8", "article": "honey", "quantity": 1, "kill_worker": true}
{"number": "T-9", "article": "honey", "quantity": 1, "kill_worker": "yes"}
"""
ODD = """\
{"number": "[red]x[/red]", "article": "mug", "quantity": 1}
{"number": "\\u001b[31m", "article": "mug", "quantity": 1}
{"number": "T-10", "article": "caf\\u00e9 [b]\\u001b[31m", "quantity": 1}
"""


class Finished(NamedTuple):
    """A finished run of the demo, with its temporary folder `tmp` and the file of its orders."""

    status: int
    out: str
    err: str
    tmp: Path
    path: Path


def run_orders(folder: Path, orders: str, **variables: str) -> Finished:
    """Run the demo with `orders` to its end, in `folder`."""
    path, tmp = folder / "my.jsonl", folder / "tmp"
    tmp.mkdir()
    path.write_text(orders, encoding="utf-8")
    return Finished(*run(path, tmp=tmp, **variables), tmp, path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run with all kinds of orders, with files as the broker."""
    return run_orders(tmp_path_factory.mktemp("plain"), ORDERS + KILLED)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run of a shop that loses the ID in HTTP requests and when a worker is killed.

    It also has odd orders, and a terminal that shows only ASCII.
    """
    folder = tmp_path_factory.mktemp("faulty")
    worker = copy(folder) / "worker.py"
    replace(worker, 'hosts=["127.0.0.1"]', "hosts=[]")
    line = "# Requests to this machine"
    replace(worker, line, f"Task.Request = 'celery.worker.request:Request'\n{line}")
    return run_orders(folder, ORDERS + KILLED + ODD, PYTHONIOENCODING="ascii")


@linux
def test_orders_cross_four_processes_under_one_id_each(plain: Finished) -> None:
    """Each kind of order ends as it should, all its lines have its ID, and nothing is left."""
    out = plain.out
    assert plain.status == 0, out + plain.err
    assert outcomes(out) == {
        "T-1": "shipped",
        "T-2": "refused",
        "T-3": "refused",
        "T-5": "shipped",
        "T-6": "rejected",
        "T-7": "shipped",
        "T-8": "shipped",
        "T-9": "rejected",
    }
    assert f"{plain.path}:4: not JSON" in out
    assert wrong(out, plain.tmp) == []
    assert re.search(r"  T-5 .* 3 +\d+  [0-9a-f]{32} *$", out, re.MULTILINE), "runs, time in queue"
    assert "    receive --> fulfil" in out
    assert "$ headrace trace audit" in out
    assert "ended in error: 3" in out, "the carrier was down twice, and once"
    assert not re.search("never (started|came)|more often", out)
    page = Path(plain.tmp.parent, "build", "shop", "page.html")
    assert out.rstrip().endswith(page.as_uri())
    assert page.exists()
    assert "\x1b" not in out + plain.err
    assert (survivors(plain.tmp), list(plain.tmp.iterdir())) == ([], [])


def test_odd_orders_and_a_poor_terminal_do_no_harm(faulty: Finished) -> None:
    """Markup, control characters and text that the terminal lacks are printed harmlessly."""
    assert "[red]x[/red]" in faulty.out
    assert "no article 'caf? [b]" in faulty.out
    assert "\x1b" not in faulty.out + faulty.err


def test_an_id_that_is_not_passed_on_is_found(faulty: Finished) -> None:
    """Without the httpx hook the audit misses the next step, and lines have IDs of no order."""
    out = faulty.out
    assert faulty.status == 0, out + faulty.err
    missing = out.partition("the next step never came: ")[2]
    assert re.search("  order.fulfil  .*next: order.reserve", missing)
    found = wrong(out, faulty.tmp)
    assert "T-1: no line of book in carrier" in found
    assert any(
        re.match(r"warehouse.jsonl:\d+: \w+ is not the ID of its order", one) for one in found
    )


def test_a_loss_that_is_logged_without_the_id_is_found(faulty: Finished) -> None:
    """With Celery's own request class the order is named."""
    found = [one for one in wrong(faulty.out, faulty.tmp) if "lost" in one]
    assert found == ["T-8: 0 lost workers under its ID, not one"]


def check_killed(done: Finished) -> None:
    """Check that an order whose worker was killed arrived, and that its story has both runs."""
    out = done.out
    assert done.status == 0, out + done.err
    assert (outcomes(out)["T-8"], outcomes(out)["T-9"]) == ("shipped", "rejected")
    assert wrong(out, done.tmp) == []
    row = r"^ *T-8 +shipped +parcel P\d+, worker killed +2 +\d+  [0-9a-f]{32} *$"
    assert re.search(row, out, re.MULTILINE)
    assert "The story of order T-8" in out
    assert out.count("fulfilling, attempt 1") == 2
    assert out.count("WorkerLostError") == 1
    assert re.search("started and never ended: 1|perhaps still under way.*: 1", out)
    assert (survivors(done.tmp), list(done.tmp.iterdir())) == ([], [])


@pytest.mark.guarantee(26)
@linux
def test_an_order_whose_worker_is_killed_arrives_under_its_id(plain: Finished) -> None:
    """It is delivered twice; both runs and the parent's line of the loss are in its story."""
    check_killed(plain)


@pytest.mark.guarantee(26)
@linux
@pytest.mark.broker
@pytest.mark.parametrize("broker", ["redis_url", "rabbitmq_url"])
def test_real_brokers_redeliver_the_order_of_a_killed_worker(
    tmp_path: Path, broker: str, request: pytest.FixtureRequest
) -> None:
    """The same, on Redis and on RabbitMQ."""
    url = request.getfixturevalue(broker)
    check_killed(run_orders(tmp_path, KILLED, HEADRACE_DEMO_BROKER=url))


def test_an_order_without_outcome_fails_the_demo(
    tmp: Path, tmp_path: Path, shop_copy: Callable[[str, str, str], Path]
) -> None:
    """The exit status is 1, the order is named, and its logs are kept."""
    wait = "    give_up = time.monotonic() + {}\n    while"  # requests keep their timeout
    shop_copy("customers.py", wait.format("PATIENCE_SECONDS"), wait.format(3))
    shop = shop_copy("worker.py", 'ask("PUT", f"{SHOP}', 'ask("DELETE", f"{SHOP}')
    path = tmp_path / "one.jsonl"
    path.write_text(KILLED.partition("\n")[0], encoding="utf-8")
    status, out, err = run(path, tmp=tmp, shop=shop)
    assert status == 1, out + err
    assert outcomes(out) == {"T-7": "open"}
    assert "No outcome: T-7" in err
    assert "The logs are in" in err


@linux
def test_a_service_that_does_not_start_ends_the_demo(
    orders: Path, tmp: Path, shop_copy: Callable[[str, str, str], Path]
) -> None:
    """The exit status is 1, the service's own words are shown, and the others are stopped."""
    shop = shop_copy("carrier.py", "app = Flask(__name__)", "raise SystemExit('no van today')")
    status, out, err = run(orders, tmp=tmp, shop=shop)
    assert status == 1, out + err
    assert "carrier ended with" in err
    assert "no van today" in err
    assert survivors(tmp) == []


@linux
@pytest.mark.parametrize(
    ("moment", "signum"), [("shop.out", signal.SIGINT), ("queue/done/*", signal.SIGTERM)]
)
def test_an_interrupted_demo_leaves_nothing(tmp: Path, moment: str, signum: signal.Signals) -> None:
    """Early or late, Ctrl-C and SIGTERM end it as a shell expects, and no child survives."""
    with start(tmp=tmp) as demo:
        wait_for(lambda: any(tmp.glob(f"headrace-shop-*/{moment}")), demo)
        demo.send_signal(signum)
        _, err = demo.communicate(timeout=60)
    assert demo.returncode == 128 + signum
    assert err == f"{signum.name}: stopped, and no process is left.\n"
    assert (survivors(tmp), list(tmp.iterdir())) == ([], [])


@linux
def test_an_interrupted_demo_leaves_nothing_in_redis(tmp: Path, redis_url: str) -> None:
    """Neither its queue nor the messages that its worker was working on."""
    with start(tmp=tmp, HEADRACE_DEMO_BROKER=redis_url) as demo:
        wait_for(lambda: any(tmp.glob("headrace-shop-*/*.killed")), demo)
        (folder,) = tmp.iterdir()
        client = redis.Redis.from_url(redis_url)
        kept = client.keys(f"*{folder.name}*")
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert b"unacked_key" in b" ".join(kept)
    assert client.keys(f"*{folder.name}*") == []
    client.close()


@linux
def test_a_killed_demo_takes_its_services_along(tmp: Path) -> None:
    """Even after SIGKILL no service lives on."""
    with start(tmp=tmp) as demo:
        wait_for(lambda: any(tmp.glob("headrace-shop-*/queue/done/*")), demo)
        assert survivors(tmp)
        demo.kill()
        demo.communicate()
    wait_for(lambda: not survivors(tmp))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("missing.jsonl", None, "No such file or directory"),
        ("empty.jsonl", "", "no orders in it"),
        ("broken.jsonl", "not an order\n", "no orders in it"),
    ],
)
def test_nothing_to_do_is_said_and_ends_with_status_2(
    tmp: Path, tmp_path: Path, name: str, content: str | None, complaint: str
) -> None:
    """A missing file, and a file without an order, end it before anything is started."""
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    status, _, err = run(path, tmp=tmp)
    assert status == 2
    assert complaint in err
    assert str(path) in err
    assert list(tmp.iterdir()) == []


def test_a_broker_that_does_not_answer_is_named_without_its_password(tmp: Path) -> None:
    """The exit status is 2, and the password is not printed."""
    broker = "redis://:secret@127.0.0.1:1/0"
    status, out, err = run(tmp=tmp, HEADRACE_DEMO_BROKER=broker)
    assert status == 2
    assert "HEADRACE_DEMO_BROKER: redis://:**@127.0.0.1:1/0 cannot be reached" in err
    assert "secret" not in out + err


def wait_for(happened: Callable[[], Any], demo: Any = None) -> None:
    """Wait until something has happened, but not for ever, nor after the demo has ended."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        assert demo is None or demo.poll() is None, demo.communicate()
        time.sleep(0.05)
