"""Django, set up once for the tests of its integration."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import django
import pytest
from django.conf import settings

import headrace
from tests.sites import MemoryLog, memory_log
from tests.units import WatchedUnit, watched_units

LEFT_OPEN = "ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"


def pytest_configure(config: pytest.Config) -> None:
    """Set Django up, before any test module is imported."""
    if django.VERSION < (5, 0):
        # It leaves the file of a request's body open where the client goes away.
        config.addinivalue_line("filterwarnings", LEFT_OPEN)
    if settings.configured:
        return
    factory = logging.getLogRecordFactory()
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.django.site",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "headrace_django",
            "tests.django.warehouse",
        ],
        MIDDLEWARE=["headrace_django.middleware.FlowMiddleware"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        LOGGING_CONFIG=None,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        USE_TZ=True,
    )
    django.setup()
    # What `ready` does is for the tests that ask for it.
    logging.setLogRecordFactory(factory)


@pytest.fixture(autouse=True)
def default_configuration() -> Iterator[None]:
    """Undo what a test configures and installs."""
    factory = logging.getLogRecordFactory()
    yield
    headrace.configure()
    logging.setLogRecordFactory(factory)


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    """What is logged."""
    with memory_log() as log:
        yield log


@pytest.fixture
def units() -> Iterator[list[WatchedUnit]]:
    """The units of work that run, and how each of them ended."""
    with watched_units() as units:
        yield units
