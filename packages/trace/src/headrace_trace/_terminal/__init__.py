"""What people see in a terminal."""

from ._list import list_line, list_table
from ._show import StoryView, story_line

__all__ = ["StoryView", "list_line", "list_table", "story_line"]
