from __future__ import annotations

from headrace import step

from ..call import Call
from ..hooks import hook

SPAMMERS = {"0900"}


@hook("before_call")
@step("call", after="screen")
def stop_spam(call: Call) -> None:
    if call.number[:4] in SPAMMERS:
        count_spam(call)
        raise PermissionError("spam")


@step("call", after="stop_spam")
def count_spam(call: Call) -> None:
    call.notes.append("spam")


# Without @hook nobody knows of it.
@step("call", after=stop_spam)
def report_spam(call: Call) -> None:
    print("reported", call.number)
