from __future__ import annotations

from headrace import step

from ..call import Call
from ..hooks import hook


@hook("after_call")
@step("call", after="ring")
def offer_voicemail(call: Call) -> None:
    if not call.minutes:
        record(call)
        transcribe(call)


@step("call", after="transcribe")
def record(call: Call) -> None:
    """The tape is turned into text, and not the text into tape."""


@step("call", after="offer_voicemail")
def transcribe(call: Call) -> None:
    call.notes.append("...")
