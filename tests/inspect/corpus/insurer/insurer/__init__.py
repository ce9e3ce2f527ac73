from .home import HomeClaims
from .motor import MotorClaims
from .travel import TravelClaims

__all__ = ["HomeClaims", "MotorClaims", "TravelClaims"]
