"""The story of one operation: its units in the order of cause and effect."""

from ._clocks import Clock
from ._story import Node, Story, tell_story

__all__ = ["Clock", "Node", "Story", "tell_story"]
