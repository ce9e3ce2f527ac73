"""The Django app, which sets headrace up when Django starts."""

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
from headrace.integration import GuardedLogger, record_error

from . import _settings

_log = GuardedLogger("headrace")


class HeadraceConfig(AppConfig):
    """Applies the setting, captures the context in log records, and imports the flows."""

    name = "headrace_django"
    verbose_name = "headrace"
    _applied: Mapping[str, Any] = {}

    def ready(self) -> None:
        """Configure, install the log record factory, and import each app's ``flows`` module."""
        # Imported late, since these modules need the app registry to be ready.
        from ._registrations import report_at_first_request
        from .checks import check_decorators, check_middleware, check_settings

        checks.register(check_settings)
        checks.register(check_middleware)
        checks.register(check_decorators, checks.Tags.urls)
        report_at_first_request()
        self._apply_setting()
        setting_changed.connect(self._on_setting_changed, dispatch_uid="headrace", weak=False)
        got_request_exception.connect(_on_got_request_exception, dispatch_uid="headrace")
        headrace.logging.install()
        autodiscover_modules("flows")

    def _apply_setting(self) -> None:
        try:
            settings = _settings.read()
        except ImproperlyConfigured as error:
            # Not raised here: the system checks report each mistake, and the middleware raises.
            _log.error("the setting HEADRACE is ignored: %s", error.__cause__)
            return
        # Only if it has changed, since the project may have called `headrace.configure` itself.
        if settings.configuration != self._applied:
            headrace.configure(**settings.configuration)
            self._applied = settings.configuration
        if settings.commands:
            from ._commands import run_commands_in_units

            run_commands_in_units()

    def _on_setting_changed(self, *, setting: str, **_: Any) -> None:
        # Sent by `override_settings`, in tests.
        if setting == "HEADRACE":
            self._apply_setting()


def _on_got_request_exception(**_: Any) -> None:
    """Record the request's error, which Django turns into a 500 before its unit can see it."""
    exc = sys.exc_info()[1]
    if exc is not None:
        record_error(exc)
