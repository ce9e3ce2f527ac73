"""docs/reference/options.md and the code agree."""

from __future__ import annotations

from .option_tables import PAGE, page


def test_page_names_each_option() -> None:
    """Every option is on the page with its type, default and meaning as in the code."""
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.repository.option_tables"
