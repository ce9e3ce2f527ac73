from .core import Switchboard
from .hooks import hook

__all__ = ["Switchboard", "hook"]
