"""The page: self-contained, and usable without its script."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from headrace import FlowGraph
from headrace._drawing import render
from tests.pictures.kit import chain, hostile, realistic, shop_map, shown

ALL = {**realistic(), "hostile": hostile(), "chain": chain()}


class Page(HTMLParser):
    """Collects what the tests ask for."""

    def __init__(self, flow: FlowGraph) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(flow.render("html"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write the element down."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


@pytest.mark.parametrize("name", ALL)
def test_page_contains_no_address_but_the_namespace(name: str) -> None:
    """Nothing is asked for: the SVG namespace is the only address in it."""
    drawing = ALL[name].render("html")
    assert set(re.findall(r"\w+://[^\s\"'<]*", drawing)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in drawing


@pytest.mark.guarantee(46)
def test_hostile_names_add_no_element() -> None:
    """Of the elements that names try to bring in, none is there, and no handler."""
    page = Page(hostile())
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert "b" not in page.tags
    assert [name for _, name, _ in page.attributes if name.startswith("on")] == []


@pytest.mark.parametrize("name", ALL)
def test_list_links_to_each_step(name: str) -> None:
    """Each link of the list leads to the element of its step, with or without the script."""
    page = Page(ALL[name])
    targets = {value for tag, attribute, value in page.attributes if attribute == "id"}
    links = [
        value for tag, attribute, value in page.attributes if (tag, attribute) == ("a", "href")
    ]
    assert len(links) == 2 * len(ALL[name].nodes)  # in the list, and in the drawing
    assert {link.removeprefix("#") for link in links} <= targets


def test_list_has_descriptions_places_and_notes() -> None:
    """What is known of a step can be read in the list."""
    info = realistic()["order"].render("html")
    assert '<span class="name">receive</span><span class="kind">entrypoint</span>' in info
    assert '<span class="says">Say what receive does.</span>' in info
    assert '<span class="kind">retries 3, timeout 2 s' not in info
    assert "entrypoint, chain, retries 3, timeout 2 s" in chain().render("html")
    assert '<span class="place">/no/where/&lt;x&gt;&amp;.py:3</span>' in hostile().render("html")


def test_map_has_a_heading_for_each_flow() -> None:
    """The list of a map is in parts."""
    drawing = render(shop_map(), "html")
    assert re.findall(r"<h2>(.*?)</h2>", drawing) == ["shop", "warehouse", "carrier", "mail"]


def test_title_is_the_flows_name() -> None:
    """The page's title and heading name the flow, escaped."""
    drawing = hostile().render("html")
    assert "<title>&lt;b&gt;flow&lt;/b&gt; &amp; &quot;co&quot;</title>" in drawing
    assert shown("new\nline") in drawing


def test_braces_in_names_are_text() -> None:
    """A name such as ``{{script}}`` fills no place of the page."""
    from tests.pictures.kit import graph

    assert "{{script}}" in graph("{{script}}", [("{{style}}", "a")]).render("html")
