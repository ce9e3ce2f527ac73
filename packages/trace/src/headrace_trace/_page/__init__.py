"""The page of ``headrace trace html``: self-contained, no network requests."""

from ._data import MOST, page_data
from ._render import render

__all__ = ["MOST", "page_data", "render"]
