"""Chromium draws the pictures in both themes, and Mermaid's own parser takes the Mermaid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headrace._drawing import Picture, render
from headrace._drawing.mermaid import _can_be_id
from headrace._flows.draw import picture_of
from tests.pictures.kit import chain, graph, hostile, realistic, shop_map, shown
from tests.pictures.realistic import grown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

THEMES = ["light", "dark"]
ALL = {
    **{name: picture_of([flow]) for name, flow in realistic().items()},
    "hostile": picture_of([hostile()]),
    "chain": picture_of([chain()]),
    "map": shop_map(),
}
FEW = ["order", "hostile", "chain", "map"]

# Words of Mermaid's own, and of what it is written in, that a function may be called.
WORDS = [
    "end",
    "End",
    "graph",
    "subgraph",
    "flowchart",
    "style",
    "linkStyle",
    "classDef",
    "class",
    "click",
    "call",
    "href",
    "default",
    "direction",
    "interpolate",
    "accDescr",
    "accTitle",
    "_self",
    "_blank",
    "_parent",
    "_top",
    "TD",
    "TB",
    "LR",
    "RL",
    "BT",
    "v",
    "o",
    "x",
    "ox",
    "xo",
    "down",
    "up",
    "endpoint",
    "ending",
    "graphs",
    "styles",
    "classes",
    "calls",
    "defaults",
    "title",
    "section",
    "note",
    "state",
    "loop",
    "alt",
    "opt",
    "par",
    "and",
    "root",
    "node",
    "edge",
    "__proto__",
    "prototype",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toString",
    "toLocaleString",
    "valueOf",
    "__defineGetter__",
    "__lookupSetter__",
    "true",
    "false",
    "null",
    "undefined",
    "NaN",
    "function",
    "n1",
    "n2",
    "flow1",
    "_",
    "__",
    "_1",
    "end1",
    "entrypoint",
    "task",
    "foreign",
    "unknown",
]

_DRAW = """async (text) => {
  const drawn = await mermaid.render("drawn", text);
  document.body.innerHTML = drawn.svg;
  return {
    labels: [...document.querySelectorAll(".node .nodeLabel")].map((each) => each.innerText),
    groups: [...document.querySelectorAll(".cluster .nodeLabel")].map((each) => each.innerText),
    edges: document.querySelectorAll(".edgePaths path").length,
  };
}"""

# The box of each line of text beside that of its step, in the drawing's own unit.
_TEXTS = """() => [...document.querySelectorAll("svg a.node")].map((node) => ({
  name: node.querySelector("title").textContent.split("\\n")[0],
  box: node.querySelector("rect").getBBox(),
  texts: [...node.querySelectorAll("text")].map((text) => text.getBBox()),
})).map(({name, box, texts}) => ({
  name, box: [box.x, box.y, box.width, box.height],
  texts: texts.map((text) => [text.x, text.y, text.width, text.height]),
}))"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may neither ask for anything nor complain."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("request", lambda request: trouble.append(request.url))
    yield page
    page.close()
    assert [each for each in trouble if not each.startswith("file://")] == []


@pytest.fixture(scope="module")
def mermaid(browser: Browser, mermaid_js: Path) -> Page:
    """A page with Mermaid in it, which takes a while to load."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_content("<p></p>")
    page.add_script_tag(content=mermaid_js.read_text("utf-8"))
    page.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'loose'})")
    page.evaluate("() => { window.alert = () => { window.alerted = true; }; }")
    return page


@pytest.mark.guarantee(46)
@pytest.mark.parametrize("style", ["plain", "rich"])
@pytest.mark.parametrize("name", ALL)
def test_mermaid_draws_each_step_and_edge(
    name: str, style: str, mermaid: Page, screenshots: Path
) -> None:
    """Mermaid accepts what we write, and draws every step with its label, and every edge."""
    picture = ALL[name]
    drawn: dict[str, Any] = mermaid.evaluate(_DRAW, render(picture, "mermaid", style))
    labels = [label.split("\n")[0] for label in drawn["labels"]]
    assert sorted(labels) == sorted(shown(node.label) for node in picture.nodes)
    assert drawn["edges"] == len(picture.edges)
    assert not mermaid.evaluate("window.alerted")
    assert sorted(drawn["groups"]) == (sorted(picture.flows) if picture.is_map else [])
    if name in FEW:
        mermaid.locator("svg").screenshot(path=screenshots / f"mermaid-{name}-{style}.png")


@pytest.mark.guarantee(46)
@pytest.mark.parametrize("word", WORDS)
def test_mermaid_takes_every_word_as_a_step(word: str, mermaid: Page) -> None:
    """A step may have any of Mermaid's own words as its name, before and behind an arrow."""
    flow = graph("words", [("before", word), (word, "behind")])
    drawn = mermaid.evaluate(_DRAW, flow.render())
    assert sorted(drawn["labels"]) == sorted(["before", word, "behind"])
    assert drawn["edges"] == 2
    assert (f'["{word}"]' in flow.render()) != _can_be_id(word)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", [*ALL, "grown"])
def test_chromium_draws_the_svg(name: str, theme: str, page: Page, screenshots: Path) -> None:
    """In both themes all is drawn; no line of text leaves its box with the fonts at hand."""
    picture = ALL[name] if name in ALL else picture_of([graph("grown", grown(60, 75, 0))])
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_content(f"<body style='margin: 0'>{render(picture, 'svg')}")
    page.locator("svg").screenshot(path=screenshots / f"svg-{name}-{theme}.png")
    nodes = page.evaluate(_TEXTS)
    assert len(nodes) == len(picture.nodes)
    for node in nodes:
        left, top, width, height = node["box"]
        assert node["texts"]
        for x, y, w, h in node["texts"]:
            assert left <= x, node
            assert x + w <= left + width, node
            assert top <= y + 1, node
            assert y + h <= top + height + 1, node


@pytest.mark.parametrize("theme", THEMES)
def test_themes_differ_and_text_stands_out(theme: str, page: Page) -> None:
    """Ground and text have different colours in each theme, and both change with it."""
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_content(render(ALL["order"], "svg"))
    colours = page.evaluate(
        """() => [".ground", ".heading"].map((name) =>
            getComputedStyle(document.querySelector(name)).fill)"""
    )
    light = ["rgb(255, 255, 255)", "rgb(31, 35, 40)"]
    assert (colours == light) == (theme == "light")
    assert colours[0] != colours[1]


def test_svg_stands_alone_as_a_file(page: Page, tmp_path: Path, screenshots: Path) -> None:
    """Opened as a file, and as the image of a page, the SVG is drawn."""
    path = tmp_path / "map.svg"
    path.write_text(render(ALL["map"], "svg"), "utf-8")
    page.goto(path.as_uri())
    assert page.locator("a.node").count() == len(ALL["map"].nodes)
    page.goto("about:blank")
    (tmp_path / "page.html").write_text("<img src=map.svg>", "utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.images[0].naturalWidth") > 300
    page.screenshot(path=screenshots / "svg-as-image.png")


@pytest.fixture
def opened(page: Page, tmp_path: Path) -> Any:
    """A function that opens the page of a picture."""

    def open_page(picture: Picture, theme: str = "light") -> Page:
        path = tmp_path / "page.html"
        path.write_text(render(picture, "html"), "utf-8")
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(path.as_uri())
        return page

    return open_page


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", [*FEW, "checkout"])
def test_axe_has_no_finding(
    name: str, theme: str, opened: Any, axe_js: Path, screenshots: Path
) -> None:
    """axe-core finds nothing to complain about in the page, in either theme."""
    page = opened(ALL[name], theme)
    page.screenshot(path=screenshots / f"html-{name}-{theme}.png")
    page.evaluate(axe_js.read_text("utf-8"))
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 15
    assert [(each["impact"], each["id"], each["help"]) for each in found["violations"]] == []


def view_box(page: Page) -> list[float]:
    """Return what part of the drawing is seen."""
    return [float(word) for word in page.locator("svg").get_attribute("viewBox").split()]  # type: ignore[union-attr]


def test_page_works_by_keyboard(opened: Any, screenshots: Path) -> None:
    """Search, choose, pan, zoom and come back, without a mouse."""
    page = opened(ALL["checkout"])
    height = float(page.locator("svg").get_attribute("height"))
    page.keyboard.press("/")
    page.keyboard.type("refund")
    assert page.locator("#steps li:visible").count() == 1
    assert page.locator("#found").inner_text() == "1 of 22"
    assert page.locator("svg a.node:not(.faded)").count() == 1
    page.keyboard.press("Enter")
    page.locator("a[aria-current]").wait_for()
    assert page.locator("a[aria-current] .name").inner_text() == "refund"
    assert page.locator("svg a.chosen title").text_content().startswith("refund")
    page.screenshot(path=screenshots / "html-search.png")
    page.keyboard.press("Escape")
    assert page.locator("#steps li:visible").count() == 22
    assert page.locator("svg .faded").count() == 0
    page.locator("#view").focus()
    at_first = view_box(page)
    page.keyboard.press("ArrowRight")
    assert view_box(page)[0] > at_first[0]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    assert view_box(page)[2] < at_first[2]
    page.keyboard.press("-")
    page.keyboard.press("0")
    assert view_box(page)[3] >= height
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.classList.contains('node')")
    page.keyboard.press("Enter")
    page.locator("a[aria-current]").wait_for()


def test_step_that_is_out_of_sight_is_brought_in(opened: Any) -> None:
    """Choosing a step in the list moves the drawing so that it can be seen."""
    page = opened(picture_of([graph("grown", grown(60, 75, 0))]))
    last = page.locator("#steps a").last
    last.focus()
    page.keyboard.press("Enter")
    page.locator("a[aria-current]").wait_for()
    node = page.locator("svg a.chosen").bounding_box()
    view = page.locator("#view").bounding_box()
    assert view["x"] <= node["x"] < view["x"] + view["width"]
    assert view["y"] <= node["y"] < view["y"] + view["height"]


def test_page_works_by_mouse(opened: Any) -> None:
    """Dragging pans, the wheel zooms at the pointer, buttons zoom and fit, a click chooses."""
    page = opened(ALL["checkout"])
    before = view_box(page)
    page.mouse.move(1000, 400)
    page.mouse.down()
    page.mouse.move(900, 300, steps=4)
    page.mouse.up()
    moved = view_box(page)
    assert moved[0] > before[0]
    assert moved[1] > before[1]
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        "w => document.querySelector('svg').viewBox.baseVal.width < w", arg=moved[2]
    )
    page.get_by_role("button", name="Fit").click()
    fitted = view_box(page)
    page.get_by_role("button", name="Zoom in").click()
    assert view_box(page)[2] < fitted[2]
    page.get_by_role("button", name="Fit").click()
    page.locator("svg a.node").nth(3).click()
    page.locator("a[aria-current]").wait_for()


def test_page_can_be_read_on_a_small_screen(opened: Any, screenshots: Path) -> None:
    """On a phone list and drawing stand one above the other, and nothing runs off to the side."""
    page = opened(ALL["order"])
    page.set_viewport_size({"width": 390, "height": 780})
    page.screenshot(path=screenshots / "html-small.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#view").bounding_box()["height"] > 300
