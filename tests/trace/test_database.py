"""The database: closed to the outside, and gone afterwards."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pytest

from headrace_trace import load
from tests.trace.log_kit import ID, order


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.guarantee(272)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('https://example.org/a.csv')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
    ],
)
def test_nothing_outside_is_reached(tmp_path: Path, folder: Path, sql: str) -> None:
    """Files, addresses, extensions and other settings are refused."""
    with load([str(order(tmp_path / "logs"))]) as logs, pytest.raises(duckdb.Error):
        logs.query(sql.format(folder=folder))


def test_settings_bound_memory_and_place(tmp_path: Path, folder: Path) -> None:
    """The memory is limited, what exceeds it goes to our folder, which is gone afterwards."""
    with load([str(order(tmp_path / "logs"))]) as logs:
        names = "memory_limit", "temp_directory", "lock_configuration"
        settings = [logs.query("SELECT current_setting(?)", [name])[0][0] for name in names]
        (own,) = folder.iterdir()
        assert settings[0] == "610.3 MiB"
        assert Path(settings[1]).parent == own
        assert settings[2] is True
    assert list(folder.iterdir()) == []


@pytest.mark.guarantee(272)
def test_folder_is_gone_after_an_error(tmp_path: Path, folder: Path) -> None:
    """An error in the block leaves nothing behind."""
    with pytest.raises(ZeroDivisionError), load([str(order(tmp_path / "logs"))]):
        raise ZeroDivisionError
    assert list(folder.iterdir()) == []


@pytest.mark.guarantee(272)
def test_query_takes_values_as_parameters(tmp_path: Path) -> None:
    """A value with quotes is a value."""
    with load([str(order(tmp_path / "logs"))]) as logs:
        assert logs.query("SELECT ?", ["'; DROP TABLE line"]) == [("'; DROP TABLE line",)]
        assert logs.query("SELECT count(*) FROM unit WHERE flow_id = ?", [ID]) == [(2,)]
        assert logs.units("' OR 1 = 1 --") == []


def test_columns_that_are_not_needed_are_empty(tmp_path: Path) -> None:
    """With fewer columns the units are the same, and the rest is NULL."""
    from headrace_trace._store import SKELETON

    folder = str(order(tmp_path / "logs"))
    with load([folder]) as logs, load([folder], columns=SKELETON) as few:
        assert few.operations() == logs.operations()
        assert few.query("SELECT count(message), count(time) FROM line") == [(0, 4)]
