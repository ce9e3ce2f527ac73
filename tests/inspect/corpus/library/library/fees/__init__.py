from .charging import charge_fee as charge
from .charging import fees_flow

__all__ = ["charge", "fees_flow"]
