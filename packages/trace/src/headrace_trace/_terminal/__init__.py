"""What people see in a terminal."""

from ._audit import audit_lines
from ._list import list_line, list_table
from ._show import StoryView, story_line

__all__ = ["StoryView", "audit_lines", "list_line", "list_table", "story_line"]
