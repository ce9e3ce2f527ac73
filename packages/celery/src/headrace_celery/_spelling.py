"""Misspelt options: of tasks, where Celery keeps them, and of messages, where it ignores them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
from functools import cache, lru_cache
from inspect import signature
from typing import Any

from amqp.basic_message import Message
from celery import Celery, Task
from celery.app import task as task_module
from celery.app.amqp import AMQP
from kombu import Producer

from headrace.integration.settings import nearest_name

from ._log import warn_once

# A less similar name is taken for the user's own attribute, such as "kind" or "rate".
_MIN_SIMILARITY = 0.75
_MIN_SIMILARITY_TO_CELERYS = 0.85
_MIN_LENGTH = 8  # a shorter one, such as "trial" or "kind", may be the user's own
# Short, but a misspelling changes where a task runs, or whether.
_SHORT = ("expires", "priority", "queue")
_MIN_SIMILARITY_IN_MESSAGES = 0.8  # less similar: maybe the broker's, like "MessageGroupId"
_OWN = ("headrace_new",)
# Options that Celery does not read from attributes of the task.
_READ_ELSEWHERE = (
    *("autoretry_for", "dont_autoretry_for", "pydantic", "pydantic_context", "pydantic_strict"),
    *("retry_backoff", "retry_backoff_max", "retry_jitter", "retry_kwargs"),
)
_SENDERS = ("event_dispatcher", "exchange_type")  # of a function nested in one of Celery's


@cache
def _task_options() -> frozenset[str]:
    """Return the options of Celery's decorator, including the methods that they can override."""
    attributes = (name for name in vars(Task) if not name.startswith("_"))
    settings = (name for name, _ in Task.from_config)
    return frozenset({*attributes, *settings, *_message_options(), *_READ_ELSEWHERE})


@cache
def _publishing_options() -> frozenset[str]:
    """Return the options of `apply_async`, `send_task`, and of kombu, which they call."""
    functions = (Task.apply_async, Task.apply, Celery.send_task, AMQP.as_task_v2, Producer.publish)
    named = (name for function in functions for name in signature(function).parameters)
    properties = (name for name, _ in Message.PROPERTIES)
    return frozenset({*named, *properties, *_message_options(), *_SENDERS})


def _message_options() -> Iterable[str]:
    """Return the publishing options that can be set on a task."""
    module: Any = task_module
    names: dict[str, Any] = module.extract_exec_options(Task)
    return names


def check_spelling(
    caller: str, options: Iterable[str], base: Any, known: tuple[str, ...] = ()
) -> None:
    """Reject an option that is almost a known one.

    Args:
        caller: the name of the function, for the message.
        options: the names of the options.
        base: the class of the task, whose attributes are accepted too.
        known: the function's own options.

    Raises:
        TypeError: an option is misspelt.
    """
    for given in options:
        near = None if given in known else meant_by(given, base, known)
        if near is not None:
            raise TypeError(f"{caller}() has no option {given!r}; did you mean {near!r}?")


def meant_by(given: str, base: Any, known: tuple[str, ...] = ()) -> str | None:
    """Return the option that `given` misspells, or None."""
    options = _task_options()
    # Not `hasattr`: reading `Task.app` would bind the base class to an app.
    if given in _OWN or given in options or any(given in vars(each) for each in base.__mro__):
        return None
    near = _nearest(given, (*known, *_OWN), _MIN_SIMILARITY)
    if near is None:
        is_short = len(given) < _MIN_LENGTH
        near = _nearest(given, _SHORT if is_short else options, _MIN_SIMILARITY_TO_CELERYS)
        if is_short and near and given.startswith(near):  # "queues" is a name of its own
            near = None
    return near


def check_message_options(task: str, options: Mapping[str, Any]) -> None:
    """Reject headrace's options on a message, and warn about misspelt options of Celery.

    Args:
        task: the name of the task.
        options: the options with which it is published, or run eagerly.

    Raises:
        TypeError: an option of headrace is given, which Celery would ignore.
    """
    for given in options:
        if given.startswith("headrace"):
            raise TypeError(
                f"there is no option {given!r} for publishing: headrace_new=True is an option of "
                "the task; for a single call, publish inside headrace.detached()"
            )
        near = _meant_in_messages(given)
        if near is not None and given not in (options.get("stamped_headers") or ()):
            warn_once(
                f"{task} {given}",
                "publishing %r: there is no option %r, so it has no effect; did you mean %r?",
                *(task, given, near),
            )


@lru_cache(maxsize=256)
def _meant_in_messages(given: str) -> str | None:
    options = _publishing_options()
    return None if given in options else _nearest(given, options, _MIN_SIMILARITY_IN_MESSAGES)


def _nearest(given: str, names: Collection[str], least: float) -> str | None:
    near = nearest_name(given, names)
    is_near = near and SequenceMatcher(None, given.lower(), near).ratio() >= least
    return near if is_near else None
