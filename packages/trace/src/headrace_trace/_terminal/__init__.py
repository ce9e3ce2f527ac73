"""What people see in a terminal."""

from ._list import list_table
from ._show import show_story

__all__ = ["list_table", "show_story"]
