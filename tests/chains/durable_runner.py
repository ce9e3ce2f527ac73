"""The third runner: the contract of chains over durable runs, on SQLite."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import sys
import tempfile
import weakref
from importlib.util import find_spec
from typing import Any

from headrace import AsyncChain, Chain, ChainResult
from tests.chains.runners import Runner
from tests.sqlite import never_sync

CONTRACT = frozenset([
    *("test_control_flow", "test_deadlines", "test_hooks", "test_interrupts", "test_nesting"),
    *("test_parallel", "test_references", "test_reports", "test_retries", "test_run"),
    *("test_templates", "test_undo"),
])
"""The modules that test what a run does; the others test definitions, memory, speed, threads,
pickles and other parts of the process that a durable run does not share with its caller."""

_STOPS = "a BaseException leaves a durable run unfinished, to be resumed, and undoes nothing"
_IDENTITY = "a recorded value is a copy, which the test tells from the original"
_UNPICKLED = "the value cannot be recorded"
CANNOT = {
    "test_an_interrupt_between_steps_comes_out": _STOPS,
    "test_an_interrupt_undoes_and_passes_through": _STOPS,
    "test_an_interrupt_in_an_undo_comes_out_behind_the_others": _STOPS,
    "test_an_interrupt_in_a_branch_comes_before_its_errors[durable]": _STOPS,
    "test_control_flow_passes_through_as_it_is[*-Again]": _STOPS,
    "test_a_group_of_nothing_but_control_flow_passes_through[*-Again]": _STOPS,
    "test_no_hook_swallows_an_interrupt[*-retry_on]": _STOPS,
    "test_every_branch_is_in_the_same_unit": "a branch is a workflow with a unit of its own",
    "test_an_object_that_cannot_be_asked_for_its_class_is_a_result": _UNPICKLED,
    "test_an_object_that_cannot_be_shown_is_named_by_its_error": _UNPICKLED,
    "test_a_function_in_a_mapping_is_not_called": _UNPICKLED,
    "test_nothing_is_rendered_while_the_level_is_off": _UNPICKLED,
    "test_a_path_goes_through_keys_then_attributes": _UNPICKLED,
    "test_literal_and_other_values_are_passed_as_they_are": _IDENTITY,
    "test_a_reference_into_a_mapping_finds_keys_only[*-mappingproxy]": _UNPICKLED,
    "test_a_frame_by_another_name_leads_nowhere": _UNPICKLED,
    "test_a_frame_in_a_container_leads_nowhere[*.*]": _UNPICKLED,
}
"""Tests that cannot pass, with the reason."""

TOO_LONG = frozenset(["test_a_thousand_retries_do_not_overflow"])
"""Tests of so many attempts that recording them takes minutes."""

_numbers = itertools.count()


class DurableRunner(Runner):
    """Runs each chain as a durable one, in one DBOS for all tests of the process."""

    def __init__(self, name: str, make: Any = Chain, *, awaits: bool = False) -> None:
        super().__init__(name, make, awaits=awaits)
        self._durable: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def run(self, chain: Any, /, **inputs: Any) -> ChainResult:
        """Run the chain, on an event loop if it needs one."""
        made = self._durable.get(chain)
        if made is None:
            made = self._durable[chain] = _made(chain)
        result = made.run(**inputs)
        return asyncio.run(result) if self.is_async else result


def _made(chain: Any) -> Any:
    import headrace_dbos
    from headrace_dbos import _state

    if not _state.current:
        never_sync()
        folder = tempfile.TemporaryDirectory()
        atexit.register(folder.cleanup)
        # With pickle and secrets, so that the contract is that of runs, not of JSON.
        sealed = type("Sealed", (headrace_dbos.PickleSerializer,), {"encrypts": True})()
        url = f"sqlite:///{folder.name}/runs.sqlite"
        headrace_dbos.launch(url, executor_id="tests", serializer=sealed)
    made = headrace_dbos.durable(chain, name=f"contract{next(_numbers)}")
    made.register()
    del _state.chains[made.name]
    return made


def close() -> None:
    """Stop DBOS, if a test has launched it."""
    if "headrace_dbos" in sys.modules:
        from headrace_dbos import _state, shutdown

        if _state.current:
            shutdown()


DURABLE: tuple[Runner, ...] = ()
if find_spec("headrace_dbos") is not None and find_spec("dbos") is not None:
    DURABLE = (DurableRunner("durable"), DurableRunner("durable, async", AsyncChain, awaits=True))
