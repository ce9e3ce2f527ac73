"""The lines of the logs in DuckDB, and the questions that are asked of them."""

from ._logs import Logs, Reject
from ._reading import load

__all__ = ["Logs", "Reject", "load"]
