from .mixing import *
from .mixing import __all__ as _mixing
from .shaping import Shaper

__all__ = ["Shaper", *_mixing]
