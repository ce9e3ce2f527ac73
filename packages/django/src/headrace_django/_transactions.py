"""Transaction callbacks that run in the context that registered them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from headrace import bind


def on_commit(func: Callable[[], Any], using: str | None = None, robust: bool = False) -> None:
    """Call `func` when the transaction commits, in the context of this call.

    Django's own `transaction.on_commit` calls it in the context of the commit, which may happen in
    another unit of work or outside any: in tests, at the end of a ``captureOnCommitCallbacks``
    block.

    Args:
        func: the callback, which takes no arguments.
        using: the alias of the database, as for `django.db.transaction.on_commit`.
        robust: whether to log an error in `func`, so that later callbacks still run.

    Raises:
        TypeError: `func` is not callable.
    """
    # Django's own error for a `func` that is not callable is clearer than that of `bind`.
    transaction.on_commit(bind(func) if callable(func) else func, using, robust)
