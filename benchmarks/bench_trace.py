"""``headrace trace`` on the logs of a shop, beside DuckDB's own reader of JSON.

Each run is a process of its own, as users start it. DuckDB's reader groups the lines by their ID
and keeps nothing: that is the floor. ``python -m benchmarks.bench_trace 5000000`` measures the wall
clock and the memory on that many lines and on twice as many, and the time until the page of 10,000
operations is usable in Chromium; it fails if a limit is exceeded or Chromium is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.harness import Result
from benchmarks.order_logs import LINES_OF_AN_ORDER, write_order_logs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LINES = 200_000
ROUNDS = 5
SHOW, LIST, GROWTH = 1.0, 2.0, 2.2
"""Times the floor, times the floor, and for twice the lines."""
SECONDS, MEMORY = {"show": 6.0, "audit": 12.0}, 1024.0
"""Of the wall clock on five million lines, and MiB."""
OPERATIONS, USABLE = 10_000, 1000.0
"""On the page, and milliseconds until its list is drawn, and until a search is answered."""
_FLOOR = """
import duckdb, sys
duckdb.sql(
    "SELECT flow_id, count(*) FROM read_json(?, columns = {flow_id: 'VARCHAR'}, "
    "format = 'newline_delimited') GROUP BY 1 ORDER BY 1 LIMIT 20", params=[sys.argv[1] + "/*"]
).fetchall()
"""


_DRAWN = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("#list button")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
_SEARCHED = """async (words) => {
  const start = performance.now(), search = document.getElementById("search");
  search.value = words;
  search.dispatchEvent(new Event("input"));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [performance.now() - start, document.getElementById("found").textContent];
}"""


class Run(NamedTuple):
    """What a process has used."""

    processor: float
    """Seconds of all its threads."""
    wall: float
    """Seconds."""
    memory: float
    """Its largest resident set, in MiB."""


def results() -> list[Result]:
    """Return ``show`` and ``list`` as ratios to the floor, and their growth with the logs."""
    title = f"headrace trace on {LINES:,} lines, beside DuckDB's own reader of JSON"
    with tempfile.TemporaryDirectory() as once, tempfile.TemporaryDirectory() as twice:
        (flow_id, *_) = write_order_logs(Path(once), LINES)
        write_order_logs(Path(twice), 2 * LINES)
        show, listing = (*_TRACE, "show", flow_id, once), (*_TRACE, "list", once)
        commands = {"floor": (*_PYTHON, "-c", _FLOOR, once), "show": show, "list": listing}
        commands |= {"list twice": (*_TRACE, "list", twice)}
        runs = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                runs[name].append(_run(command).processor)
    floor, shown, listed, doubled = (median(times) for times in runs.values())
    return [
        Result(title, "DuckDB's reader, grouping by ID", floor, 1.0, None),
        Result(title, "show", shown, shown / floor, SHOW),
        Result(title, "list", listed, listed / floor, LIST),
        Result(title, "list of twice the lines, beside list", doubled, doubled / listed, GROWTH),
    ]


_PYTHON = (sys.executable,)
_TRACE = (sys.executable, "-m", "headrace", "trace")


def _run(command: tuple[str, ...]) -> Run:
    start = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ({0, 1} if "audit" in command else {0}):  # 1: it has found a case
        raise RuntimeError(f"{command} ended with {process.returncode}")
    spent = usage.ru_utime + usage.ru_stime
    return Run(spent, perf_counter() - start, usage.ru_maxrss / 1024)


class Page(NamedTuple):
    """How soon a page is usable, in milliseconds."""

    drawn: float
    """From the navigation until the list is on the screen."""
    searched: float
    """From a key in the search until its answer is on the screen."""
    processor: float
    """Of the page's main thread until the list was drawn; other programs do not take from it."""


def page() -> Page | None:
    """Measure the page in Chromium; return medians, or None if Chromium is missing."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        ids = write_order_logs(Path(folder), OPERATIONS * LINES_OF_AN_ORDER)
        file = Path(folder, "page.html")
        _run((*_TRACE, "html", folder, "-o", str(file)))
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = [_open(browser, file, ids[number]) for number in range(ROUNDS)]
        browser.close()
    return Page(*(median(times) for times in zip(*opened, strict=True)))


def _open(browser: Browser, file: Path, flow_id: str) -> Page:
    tab = browser.new_page()
    tab.add_init_script(_DRAWN)
    tools = tab.context.new_cdp_session(tab)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    tab.goto(file.as_uri())
    drawn = float(tab.wait_for_function("window.drawn").json_value())
    metrics = tools.send("Performance.getMetrics")["metrics"]
    (spent,) = (one["value"] for one in metrics if one["name"] == "TaskDuration")
    searched, answer = tab.evaluate(_SEARCHED, flow_id[-12:])
    if answer != "1 operation found":
        raise RuntimeError(f"the search has answered {answer!r}")
    tab.close()
    return Page(drawn, searched, spent * 1000)


def main(lines: int) -> int:
    """Measure on `lines` lines and on twice as many; return 1 if anything exceeds its limit."""
    runs: dict[tuple[str, int], Run] = {}
    for times in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            (flow_id, *_) = write_order_logs(Path(folder), times * lines)
            size = sum(path.stat().st_size for path in Path(folder).iterdir())
            mean = size / (times * lines)
            print(f"{times * lines:,} lines of {mean:.0f} bytes on average, {size / 1e9:.2f} GB")
            for words in (("show", flow_id), ("audit",), ("list",)):
                run = runs[words[0], times] = _run((*_TRACE, *words, folder))
                used = f"{run.wall:6.1f} s, {run.processor:6.1f} s of the processor"
                print(f"  {words[0]:5} {used}, {run.memory:5.0f} MiB")
    names = [name for name, times in runs if times == 1]
    growth = {name: runs[name, 2].processor / runs[name, 1].processor for name in names}
    print(", ".join(f"{name} of twice the lines: {ratio:.2f}" for name, ratio in growth.items()))
    is_fast = all(runs[name, 1].wall <= limit for name, limit in SECONDS.items())
    is_good = is_fast and max(growth.values()) <= GROWTH
    is_small = all(run.memory <= MEMORY for run in runs.values())
    return 0 if _is_page_usable() and is_good and is_small else 1


def _is_page_usable() -> bool:
    measured = page()
    if measured is None:
        print(f"page of {OPERATIONS:,} operations: not measured, chromium is missing")
        return False
    print(f"page of {OPERATIONS:,} operations: {measured.processor:.0f} ms of its main thread")
    print(
        f"  list drawn after {measured.drawn:.0f} ms, search answered in {measured.searched:.0f} ms"
    )
    return max(measured.drawn, measured.searched) <= USABLE


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
