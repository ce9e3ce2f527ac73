"""Django's settings for the warehouse."""

from __future__ import annotations

import logs
from config import RUN

SECRET_KEY = "only for the demo"  # noqa: S105
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "warehouse.urls"
INSTALLED_APPS = ["headrace_django", "warehouse"]
MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"]  # each request takes the worker's ID
LOGGING = logs.config("warehouse")
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": RUN / "warehouse.sqlite3",
        # Two requests that write at once wait for each other (seconds) rather than fail.
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
