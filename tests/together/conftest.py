"""Several frameworks in one test: Django is set up as for its own tests."""

from __future__ import annotations

from tests.django.conftest import default_configuration, pytest_configure

__all__ = ["default_configuration", "pytest_configure"]
