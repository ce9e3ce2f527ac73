"""Pages with several pictures, and pictures that are not of flows."""

from __future__ import annotations

import pytest

from headrace.commands import Picture, PictureEdge, PictureNode, chapter_id, draw, draw_chapters


def picture(title: str, href: str = "") -> Picture:
    """Return a picture of two cities and a road."""
    nodes = (
        PictureNode("a", "Aachen", title, "function", None, (), href),
        PictureNode("b", "Bonn", title, "function", None),
    )
    edge = PictureEdge("a", "b", "call", crosses=False, identity="a->b")
    return Picture(title, (title,), nodes, (edge,), noun="place")


@pytest.mark.parametrize("format", ["svg", "html", "text"])
def test_nodes_are_counted_by_their_noun(format: str) -> None:
    """A picture that is not of a flow does not speak of steps."""
    drawn = draw(picture("roads"), format)

    assert "2 places" in drawn
    assert "step" not in drawn.partition("<script>")[0].replace("#steps", "").replace(
        'id="steps"', ""
    ).replace('aria-label="Steps"', "")


def test_a_page_shows_all_pictures_and_links_to_them() -> None:
    """Each has a section with an ID of its own, and a link to it in the list."""
    pictures = [picture("<roads>"), picture("rails")]
    page = draw_chapters("<maps>", pictures)

    assert page.count("<svg ") == 2
    for one in pictures:
        assert page.count(f'<section id="{chapter_id(one)}">') == 1
        assert page.count(f'href="#{chapter_id(one)}"') == 1
    assert len({chapter_id(one) for one in pictures}) == 2
    assert "<title>&lt;maps&gt;</title>" in page
    assert "<h2>&lt;roads&gt;</h2>" in page


def test_a_node_leads_where_it_says() -> None:
    """A node with an address leads there, and one without to itself."""
    drawn = draw(picture("roads", '#x"'), "svg")

    assert 'href="#x&quot;"' in drawn
    assert 'href="#headrace-roads-2"' in drawn
