"""What happens when Django starts."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

import headrace
import headrace.logging

from ._settings import read


class HeadraceConfig(AppConfig):
    """Puts the settings in force, captures the context in log records, finds the flows."""

    name = "headrace_django"
    verbose_name = "headrace"

    def ready(self) -> None:
        """Configure, install the log record factory, import each app's ``flows`` module."""
        configuration = read().configuration
        if configuration:
            headrace.configure(**configuration)
        headrace.logging.install()
        autodiscover_modules("flows")
