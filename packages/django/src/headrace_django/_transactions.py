"""Callbacks of transactions, in the context in which they were given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from headrace import bind


def on_commit(func: Callable[[], Any], using: str | None = None, robust: bool = False) -> None:
    """Call `func` when the transaction is committed, in the context of this call.

    Django's own `transaction.on_commit` calls it in the context of the commit, which may come in
    another unit of work, or in none: in tests, when the block of ``captureOnCommitCallbacks`` ends.

    Args:
        func: what is called, without arguments.
        using: the database, as for `django.db.transaction.on_commit`.
        robust: whether an error of `func` is logged and the next callbacks are called.

    Raises:
        TypeError: `func` cannot be called.
    """
    transaction.on_commit(bind(func) if callable(func) else func, using, robust)
