"""The lines of the logs in DuckDB, and the questions that are asked of them."""

from ._loading import digest, follow, load
from ._logs import Logs, Reject
from ._tables import COLUMNS, SKELETON, publish
from ._wanted import Wanted

__all__ = ["COLUMNS", "SKELETON", "Logs", "Reject", "Wanted", "digest", "follow", "load", "publish"]
