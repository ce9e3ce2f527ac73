"""The tasks of the observatory."""

from .night import archive_night, calibrate, detect_sources, fetch_night, match_catalog
from .night import publish_night, stack

__all__ = [
    "archive_night",
    "calibrate",
    "detect_sources",
    "fetch_night",
    "match_catalog",
    "publish_night",
    "stack",
]
