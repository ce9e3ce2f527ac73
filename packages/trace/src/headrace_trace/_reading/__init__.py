"""From sources (files, pipes, compressed files) to batches of whole lines."""

from ._follow import Follower
from ._lines import Batch, LineReader
from ._sources import STDIN, Source, find_sources

__all__ = ["STDIN", "Batch", "Follower", "LineReader", "Source", "find_sources"]
