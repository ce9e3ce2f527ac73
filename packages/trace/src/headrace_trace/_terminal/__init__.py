"""What people see in a terminal."""

from ._audit import audit_lines
from ._list import list_line, list_table
from ._show import StoryView, story_line
from ._stats import stats_table

__all__ = ["StoryView", "audit_lines", "list_line", "list_table", "stats_table", "story_line"]
