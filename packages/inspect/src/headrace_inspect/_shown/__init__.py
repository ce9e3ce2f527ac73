"""Which declared edges the code shows, and the calls that show them."""

from __future__ import annotations
