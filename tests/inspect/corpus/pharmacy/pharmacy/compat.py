"""One place to import the decorators from, whatever their home."""

from headrace import entrypoint as begins
from headrace import step as _step

part_of = _step

__all__ = ("begins", "part_of")
