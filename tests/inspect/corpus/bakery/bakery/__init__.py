from .dough import *
from .names import BAKERY as FLOW_NAME
from .oven import bake

__all__ = ["FLOW_NAME", "bake"]
