"""What runs what, and in which order, as far as the source tells."""

from __future__ import annotations
