"""`AsyncChain`: a pipeline of steps that are awaited."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Never

from headrace._messages.hints import refuse_keyword

from .async_driver import run  # not lazily: the first run would block its event loop
from .chain import BaseChain

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._flows.flow import Flow
    from headrace._redaction.rules import Redact

    from .result import ChainResult

_modules = sys.modules


class AsyncChain(BaseChain):
    """A pipeline like `Chain`, whose steps are awaited.

    A sync function runs in a thread, in a copy of the context; if it returns an awaitable, that is
    awaited. Hooks, predicates and callbacks may be coroutine functions. Sync ones are called on the
    event loop, sync undos in a thread.

    Args:
        name: as for `Chain`.
        flow: as for `Chain`.
        strict: as for `Chain`.
        before_step: as for `Chain`.
        after_step: as for `Chain`.
        on_retry: as for `Chain`.
        redact: as for `Chain`.
        deadline: as for `Chain`.
        deadline_fn: as for `Chain`.
        safety_margin: as for `Chain`.
        jitter: as for `Chain`.
        allow_sync: whether steps and undos may be sync functions.
        misspelt: rejected; the message suggests the nearest options.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: an argument has an invalid value.
    """

    _awaits = True

    def __init__(
        self,
        name: str | None = None,
        *,
        flow: str | Flow | None = None,
        strict: bool = False,
        before_step: Callable[..., Any] | None = None,
        after_step: Callable[..., Any] | None = None,
        on_retry: Callable[..., Any] | None = None,
        redact: Redact = None,
        deadline: float | None = None,
        deadline_fn: Callable[[], float | None] | None = None,
        safety_margin: float = 0.25,
        jitter: bool = True,
        allow_sync: bool = True,
        **misspelt: Never,
    ) -> None:
        for option in misspelt:
            refuse_keyword(type(self), option, type(self).__name__)
        if allow_sync is not True:
            from .arguments import flag

            self._allow_sync = flag("allow_sync", allow_sync)
        super().__init__(
            name,
            flow=flow,
            strict=strict,
            before_step=before_step,
            after_step=after_step,
            on_retry=on_retry,
            redact=redact,
            deadline=deadline,
            deadline_fn=deadline_fn,
            safety_margin=safety_margin,
            jitter=jitter,
        )

    async def run(self, /, **inputs: Any) -> ChainResult:
        """Run the steps in order on a new context, and return the context.

        The run joins the active unit of work; if there is none, it opens one. A cancelled run
        undoes its finished steps, and the cancellation propagates.

        Args:
            inputs: initial values of the context; they override those set by `put`.

        Raises:
            StepFailedError: a step failed for good; `result` holds the context up to then.
            ValidationFailedError: `validate` rejected the result of a step.
            DeadlineExceededError: the deadline passed, or the `timeout` of a step expired.
            UnresolvedReferenceError: the chain is strict, and a reference is unresolved.
            RuntimeError: the current task is a trio task.
        """
        if "trio" in _modules:
            _refuse_trio()
        plan = self._plan or self._freeze()
        return await run(plan, self._flow, inputs)


def _refuse_trio() -> None:
    try:
        _modules["trio"].lowlevel.current_task()
    except RuntimeError:  # not a trio task
        return
    raise RuntimeError(
        "an AsyncChain needs asyncio for its timeouts, threads and tasks, but this is a trio "
        "task; run it on asyncio, as with anyio.run(main, backend='asyncio'), or run a "
        "Chain with trio.to_thread.run_sync(chain.run)"
    )
