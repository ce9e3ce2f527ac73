"""What happens when Django starts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import got_request_exception, setting_changed
from django.utils.module_loading import autodiscover_modules

import headrace
import headrace.logging
from headrace.integration import GuardedLogger, add_facts, error_type, units_are_watched

from . import _settings

_log = GuardedLogger("headrace")


class HeadraceConfig(AppConfig):
    """Puts the settings in force, captures the context in log records, finds the flows."""

    name = "headrace_django"
    verbose_name = "headrace"
    _in_force: Mapping[str, Any] = {}

    def ready(self) -> None:
        """Configure, install the log record factory, import each app's ``flows`` module."""
        from ._registrations import report_at_first_request
        from .checks import check_decorators, check_middleware, check_settings

        checks.register(check_settings)
        checks.register(check_middleware)
        checks.register(check_decorators, checks.Tags.urls)
        report_at_first_request()
        self._put_in_force()
        setting_changed.connect(self._setting_changed, dispatch_uid="headrace", weak=False)
        got_request_exception.connect(_on_got_request_exception, dispatch_uid="headrace")
        headrace.logging.install()
        autodiscover_modules("flows")

    def _put_in_force(self) -> None:
        try:
            settings = _settings.read()
        except ImproperlyConfigured:
            # The system checks say what is wrong, one by one; the middleware refuses to start.
            _log.exception("the setting HEADRACE is not in force")
            return
        # A project may also call `headrace.configure`: what we have no word on is not undone.
        if settings.configuration != self._in_force:
            headrace.configure(**settings.configuration)
            self._in_force = settings.configuration
        if settings.commands:
            from ._commands import run_commands_in_units

            run_commands_in_units()

    def _setting_changed(self, *, setting: str, **_: Any) -> None:
        # Sent in tests alone, by override_settings.
        if setting == "HEADRACE":
            self._put_in_force()


def _on_got_request_exception(**_: Any) -> None:
    """Receive `got_request_exception`: Django responds with a 500 and does not raise."""
    context, exc = headrace.get_flow_context(), sys.exc_info()[1]
    if context is not None and exc is not None and units_are_watched():
        add_facts(context, error_type=error_type(exc))
