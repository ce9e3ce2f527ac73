"""From sources (files, pipes, compressed files) to batches of whole lines."""

from ._batches import Batch, batches, follow_batch
from ._sources import STDIN, Source, find_sources

__all__ = ["STDIN", "Batch", "Source", "batches", "find_sources", "follow_batch"]
