"""The queries of the documentation for log stores, as far as they run here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from headrace_trace._shapes import FIELDS
from tests.trace.log_kit import ID, WEB, WORKER, line, request, run

PAGE = Path(__file__).parents[2].joinpath("docs", "howto", "trace.md").read_text("utf-8")
SECTION = PAGE[PAGE.index("## Queries for log stores") : PAGE.index("## From Python")]
(SQL,) = re.findall(r"```sql\n(.*?)```", SECTION, re.DOTALL)
QUERIES = {
    text.partition("\n")[0].removeprefix("-- "): text.partition("\n")[2]
    for text in SQL.strip().removesuffix(";").split(";\n\n")
}
TOLD = ("task_id", "unit_id", "causation_id", "flow_id", "event", "outcome", "name", "task")


@pytest.fixture
def logs() -> duckdb.DuckDBPyConnection:
    """The table ``logs`` as a sink of Cloud Logging fills it: four operations with a fault each."""
    other = {name: f"{number}" * 32 for number, name in enumerate(("lost", "open", "twice"), 1)}
    sent = {"task": "shop.charge", "task_id": "t9", "queue": "default"}
    lines = b"".join([
        request(),
        run(outcome="error", error="ValueError: no money"),
        line(1, "c" * 16, "task.published", flow_id=other["lost"], **sent),
        run(2, "d" * 16, outcome=None, task_id="t3", flow_id=other["open"]),
        run(3, "e" * 16, task_id="t4", flow_id=other["twice"]),
        run(4, "f" * 16, task_id="t4", flow_id=other["twice"]),
    ])
    rows = [json.loads(text) for text in lines.splitlines()]
    connection = duckdb.connect()
    fields = ", ".join(f"{name} VARCHAR" for name in (*TOLD, "error", "message"))
    connection.execute(f"CREATE TABLE logs (timestamp TIMESTAMP, jsonPayload STRUCT({fields}))")
    for row in rows:
        payload = {name: row.get(name) for name in (*TOLD, "error", "message")}
        connection.execute("INSERT INTO logs VALUES (?, ?)", [row["time"], payload])
    return connection


def answer(logs: duckdb.DuckDBPyConnection, question: str) -> list[tuple[Any, ...]]:
    """Return the rows of a documented query, without their times."""
    rows = logs.execute(QUERIES[question]).fetchall()
    return [tuple(value for value in row if not hasattr(value, "tzinfo")) for row in rows]


def test_sql_answers_each_question(logs: duckdb.DuckDBPyConnection) -> None:
    """Each query names the operation with its fault, and no other."""
    assert answer(logs, "published and never started") == [("t9", "1" * 32, "shop.charge")]
    assert answer(logs, "started and never ended") == [("d" * 16, "2" * 32, "shop.charge")]
    assert answer(logs, "run twice") == [("t4", "3" * 32, 2)]
    assert answer(logs, "ended in error") == [(ID, "shop.charge", "ValueError: no money")]
    story = answer(logs, "the story of one operation")
    assert [row[:2] for row in story] == [
        (WEB, None), (WEB, None), (WORKER, WEB), (WORKER, WEB),
    ]  # fmt: skip


def test_every_store_answers_the_same_questions() -> None:
    """Each section has the five questions."""
    for store in ("Loki", "CloudWatch Logs Insights", "BigQuery", "Datadog"):
        section = SECTION.partition(f"### {store}\n")[2].partition("\n### ")[0]
        assert [question for question in QUERIES if question not in section] == [], store


def test_fields_of_the_queries_are_those_of_our_lines() -> None:
    """What the queries call fields exists in the lines of headrace."""
    named = set(re.findall(r"jsonPayload\.(\w+)|@(?!timestamp)(\w+):|\{\{\.(\w+)\}\}", SECTION))
    names = {name for found in named for name in found if name}
    assert names - set(FIELDS) == set()
    assert {"event", "outcome", "task_id", "unit_id", "flow_id"} <= names
