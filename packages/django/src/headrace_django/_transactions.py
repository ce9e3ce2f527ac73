"""Callbacks of transactions, in the context that registered them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from headrace import bind


def on_commit(func: Callable[[], Any], using: str | None = None, robust: bool = False) -> None:
    """Call `func` when the transaction commits, in the context of this call.

    Django's own `transaction.on_commit` calls it in the context of the commit, which may happen in
    another unit of work, or in none: in tests, when the ``captureOnCommitCallbacks`` block ends.

    Args:
        func: the callback, which takes no arguments.
        using: the database, as for `django.db.transaction.on_commit`.
        robust: if True, an error of `func` is logged and the next callbacks still run.

    Raises:
        TypeError: `func` is not callable.
    """
    transaction.on_commit(bind(func) if callable(func) else func, using, robust)
