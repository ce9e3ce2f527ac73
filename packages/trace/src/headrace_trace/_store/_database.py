"""DuckDB in memory, with a temporary folder for the rest, and no access to anything else."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

MEMORY = "640MB"
"""What DuckDB may use; the rest of the process has its share in addition."""


@contextmanager
def database(threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database for the length of the block.

    It neither loads nor installs extensions, reads or writes files other than its own, nor accepts
    other settings later.

    Args:
        threads: how many to use; by default one for each processor.
    """
    folder = tempfile.mkdtemp(prefix="headrace-trace-")
    config: dict[str, str | bool | int | float | list[str]] = {
        "allow_community_extensions": "false",
        "autoinstall_known_extensions": "false",
        "checkpoint_threshold": "1TB",  # else each commit compresses the tables
        "autoload_known_extensions": "false",
        "enable_external_access": "false",
        "lock_configuration": "true",
        "memory_limit": MEMORY,
        "preserve_insertion_order": "false",
        "temp_directory": str(Path(folder, "spill")),
        "threads": threads or os.cpu_count() or 1,
    }
    try:
        # What does not fit into memory goes to the folder; a database in a file would compress its
        # tables, which takes longer than reading the logs.
        connection = duckdb.connect(":memory:", config=config)
        try:
            yield connection
        finally:
            connection.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
