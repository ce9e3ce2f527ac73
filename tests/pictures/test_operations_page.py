"""The page of ``headrace trace html`` in Chromium, with the network blocked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headrace_trace._page import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = ['<img src=x onerror="document.title=1">', "\u202egnp.exe", "name " * 2000, "a\u0000b"]


def operation(number: int) -> tuple[list[Any], list[Any]]:
    """Return an operation and its story, as the page holds them."""
    name = HOSTILE[number % len(HOSTILE)] if number % 3 == 0 else f"/orders/{number}"
    lines = [[1.5, "INFO", "shop", f"order {number} {name}"]]
    web = [0, f"POST {name}", "http", "shop/web-1/11", "ok", 0.0, 40.0, None, 0, None, lines]
    task = [1, "shop.charge", "task", "worker/w-1/5", "error", 90.0, 10.0, 50.0, 2, "no card", []]
    head = [f"{number:032x}", name, "error", "2026-09-21T14:13:01Z", 100.0]
    return head, [[web, task], []]


def data(count: int) -> dict[str, Any]:
    figures = [["order", "charge", 3, 1, 12.5, 30.0], [HOSTILE[0], "", 1, 0, None, None]]
    heads, stories = zip(*map(operation, range(count)), strict=True)
    page = {"operations": heads, "left": 0, "figures": figures, "messages": True}
    return page | {"stories": stories}


@pytest.fixture(params=["light", "dark", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page with 300 operations, in both themes and at phone width."""
    size = {"width": 390, "height": 800} if request.param == "phone" else None
    theme = "dark" if request.param == "dark" else "light"
    context = browser.new_context(color_scheme=theme, viewport=size, offline=True)
    found = context.new_page()
    asked: list[str] = []
    found.on("request", lambda one: asked.append(one.url))
    found.set_extra_http_headers({"X-Theme": request.param})
    tmp_path.joinpath("page.html").write_text(render(data(300), "Shop"), "utf-8")
    found.goto(tmp_path.joinpath("page.html").as_uri())
    yield found
    context.close()
    page_itself = tmp_path.joinpath("page.html").as_uri()
    assert asked, "the page itself is a request"
    assert {url.partition("#")[0] for url in asked} == {page_itself}


def shape(page: Page) -> str:
    """Return the theme and the width of a page, for the name of its picture."""
    theme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
    return f"{theme}-{page.evaluate('innerWidth')}"


def test_an_operation_is_found_and_read_by_keyboard(page: Page) -> None:
    """The slash searches, arrows move, Enter opens, Escape leads back."""
    page.keyboard.press("/")
    page.keyboard.type("/orders/100")
    assert page.inner_text("#found") == "1 operation found"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    story = page.inner_text("#story")
    assert "POST /orders/100" in story
    assert "attempt 2" in story
    assert "no card" in story
    assert page.evaluate("document.activeElement.id") == "story"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"


def test_hostile_text_is_shown_and_does_nothing(page: Page, screenshots: Path) -> None:
    """No element comes of it, what turns text around is written out, and nothing is wider."""
    page.fill("#search", "\u202e")
    page.click("#list button >> nth=0")

    assert "\\u202egnp.exe" in page.inner_text("#story h2")
    assert page.evaluate("document.images.length") == 0
    assert page.title() == "Shop"
    page.fill("#search", "name")
    page.click("#list button >> nth=0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.fill("#search", "onerror")
    page.click("#list button >> nth=0")
    page.screenshot(path=screenshots / f"operations-hostile-{shape(page)}.png")


def test_figures_are_one_button_away(page: Page) -> None:
    """The table names counts and durations."""
    page.click("#to-figures")

    assert page.is_hidden("#operations")
    assert "order\tcharge\t3\t1\t13 ms\t30 ms" in page.inner_text("#figures")


def test_page_is_accessible(page: Page, axe_js: Path, screenshots: Path) -> None:
    """axe-core finds nothing serious in the list, a story and the figures."""
    # The policy forbids scripts of others, so axe-core comes in by the driver.
    page.click("#list button >> nth=1")
    page.screenshot(path=screenshots / f"operations-{shape(page)}.png")
    page.evaluate(axe_js.read_text("utf-8"))
    for view in ("#to-operations", "#to-figures"):
        page.click(view)
        found = page.evaluate("axe.run()")["violations"]
        serious = [one for one in found if one["impact"] in {"serious", "critical"}]
        assert serious == [], json.dumps(serious)[:2000]


IN_SIGHT = """() => {
  const list = document.getElementById("list"), seen = list.getBoundingClientRect();
  const rows = [...list.querySelectorAll("li")].map((row) => row.getBoundingClientRect());
  const end = Math.min(seen.bottom, list.firstChild.getBoundingClientRect().bottom);
  return rows.length < 60
    && rows.some((row) => row.top <= seen.top + 1 && row.bottom > seen.top)
    && rows.some((row) => row.bottom >= end - 1 && row.top < end);
}"""


def test_only_rows_in_sight_are_in_the_document(page: Page) -> None:
    """Of 300 operations a few dozen are drawn, wherever the list is scrolled to."""
    for top in ("0", "9000", "1e9", "0"):
        page.evaluate(f"document.getElementById('list').scrollTop = {top}")
        page.wait_for_function(IN_SIGHT)
    assert page.get_attribute("#rows li >> nth=0", "aria-setsize") == "300"


def test_keys_move_over_the_whole_list(page: Page) -> None:
    """End, Home, the arrows and the page keys lead to rows that were not drawn before."""

    def place() -> int:
        """Return the place in the list of the row that has the focus."""
        row = "document.activeElement.parentElement.getAttribute('aria-posinset')"
        return int(page.evaluate(row))

    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    assert place() == 1
    page.keyboard.press("End")
    assert place() == 300
    page.keyboard.press("ArrowUp")
    assert place() == 299
    page.keyboard.press("PageUp")
    assert 250 < place() < 299
    page.keyboard.press("Enter")
    page.evaluate("document.getElementById('list').scrollTop = 0")
    page.keyboard.press("Escape")
    assert 250 < place() < 299
    page.keyboard.press("Home")
    assert place() == 1
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("ArrowUp")
    assert place() == 300


def test_a_link_opens_an_operation(page: Page) -> None:
    """The page opens with the story of the ID after the hash, also of one far down the list."""
    page.goto(f"{page.url.partition('#')[0]}#{299:032x}")
    page.reload()
    assert "POST /orders/299" in page.inner_text("#story")


def test_the_search_goes_over_many_operations(browser: Browser, tmp_path: Path) -> None:
    """Of 10,000 operations the search finds one by its name, and another by its ID."""
    tmp_path.joinpath("page.html").write_text(render(data(10_000), "Shop"), "utf-8")
    found = browser.new_page()
    found.goto(tmp_path.joinpath("page.html").as_uri())
    for words in ("/orders/9998", f"{9998:032x}", f"ERROR {9998:032x}"):
        found.fill("#search", words)
        assert found.inner_text("#found") == "1 operation found"
        found.click("#list button")
        assert "POST /orders/9998" in found.inner_text("#story")
    found.fill("#search", "")
    assert found.get_attribute("#rows li >> nth=0", "aria-setsize") == "10000"
    found.close()
