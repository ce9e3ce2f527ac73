"""A pharmacy: ports and adapters, put together in one place."""

from .application import *
from .application import __all__ as _application
from .bootstrap import build as build
from .domain import Prescription as Rx

__all__ = [*_application, "Rx", "build"]
