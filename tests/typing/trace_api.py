"""Uses every public name of headrace_trace the way a typed program does: never run."""

from __future__ import annotations

from typing import assert_type

from headrace_trace import Line, Logs, Operation, Place, Publish, Reject, Unit, Wanted, load


def read() -> None:
    with load(["logs/"], fields=["flow_id=request_id"], flow_id="4bf92f") as logs:
        assert_type(logs, Logs)
        assert_type(logs.rejects, list[Reject])
        for operation in logs.operations(Wanted(state="error"), limit=5):
            assert_type(operation, Operation)
            assert_type(operation.duration_ms, float | None)
            assert_type(logs.units(operation.flow_id), list[Unit])
            assert_type(logs.publishes(operation.flow_id), list[Publish])
            lines = logs.lines_of(operation.flow_id)
            assert_type(lines, list[Line])
            assert_type(lines[0].place, Place)
