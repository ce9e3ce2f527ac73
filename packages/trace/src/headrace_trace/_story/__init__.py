"""The story of one operation: its units in the order of cause and effect."""

from ._clocks import Clock
from ._json import operation_json, story_json, time_json
from ._story import Node, Story, tell_story

__all__ = ["Clock", "Node", "Story", "operation_json", "story_json", "tell_story", "time_json"]
