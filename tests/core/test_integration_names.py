"""What `headrace.integration` offers, and the names that have moved out of it."""

from __future__ import annotations

import importlib
import warnings

import pytest

from headrace import integration


@pytest.mark.parametrize("name", sorted(integration._homes))
def test_a_moved_name_still_works_and_says_where_it_is_now(name: str) -> None:
    """It is the same object, and the warning names the module to import it from."""
    home = integration._homes[name]
    with pytest.warns(DeprecationWarning, match=f"{name} is deprecated; import it from {home}$"):
        found = getattr(integration, name)
    module = importlib.import_module(home)
    assert found is getattr(module, name)
    assert name in module.__all__


def test_the_warning_is_about_the_caller() -> None:
    """The warning points at the line that uses the name, also in a `from` import."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        from headrace.integration import RemoteContext  # noqa: F401
    assert {each.filename for each in found} == {__file__}


def test_the_names_that_stay_warn_of_nothing() -> None:
    """Names in `__all__` are imported without a warning, and none of them has moved."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in integration.__all__:
            assert hasattr(integration, name)
    assert integration._homes.keys().isdisjoint(integration.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that has never been there is refused in the words of a module."""
    with pytest.raises(AttributeError, match=r"'headrace\.integration' has no attribute 'unitt'"):
        _ = integration.unitt  # type: ignore[attr-defined]
