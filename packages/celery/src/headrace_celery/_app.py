"""`init_app`, which makes the tasks of a process carry the context."""

from __future__ import annotations

from celery import Celery, Task

import headrace.logging
from headrace.integration import checks_keywords
from headrace.integration.settings import is_repeated

from ._deadlines import accepting
from ._discovery import discover_tasks_of
from ._publishing import check_eager_options, report_failures
from ._signals import connect_receivers
from ._transactions import publish_in_context_of_call

_CELERYS_REQUEST = "celery.worker.request:Request"
_OUR_REQUEST = "headrace_celery._request:FlowRequest"


@checks_keywords
def init_app(celery_app: Celery, *, accept_deadline: bool = False) -> None:
    """Make the tasks of this process carry the context.

    A second call with the same options does nothing.

    Celery's signals are global to the process: from this call on, tasks of any app in the process
    carry the context. Call it in the module that creates the app, which publishers and workers
    both import.

    Args:
        celery_app: the app.
        accept_deadline: whether this app's workers obey the deadline in a message. It then becomes
            the message's expiry and the run's soft time limit, unless these are already shorter.

    Raises:
        TypeError: an argument has the wrong type.
        RuntimeError: `celery_app` was already set up with different options.
    """
    if not isinstance(celery_app, Celery):
        raise TypeError(f"init_app() takes a Celery app, not {celery_app!r}")
    if not isinstance(accept_deadline, bool):
        raise TypeError(f"accept_deadline must be True or False, not {accept_deadline!r}")
    if is_repeated(accepting, celery_app, accept_deadline, "init_app()"):
        return
    accepting[celery_app] = accept_deadline
    headrace.logging.install()
    connect_receivers()
    report_failures(celery_app)
    check_eager_options()
    discover_tasks_of(celery_app)
    publish_in_context_of_call()
    if Task.Request == _CELERYS_REQUEST:  # unless the project has its own class
        Task.Request = _OUR_REQUEST
