"""The lines of the logs in DuckDB, and the questions that are asked of them."""

from ._loading import follow, load
from ._logs import Logs, Reject
from ._tables import COLUMNS, SKELETON
from ._wanted import Wanted

__all__ = ["COLUMNS", "SKELETON", "Logs", "Reject", "Wanted", "follow", "load"]
