"""Where the processes find each other. demo.py sets the variables; by default each runs alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

RUN = Path(os.environ.get("SHOP_RUN", Path(tempfile.gettempdir(), "headrace-shop")))
"""The folder of this run: logs, the warehouse's database, the queue's files."""

SHOP = os.environ.get("SHOP_URL", "http://127.0.0.1:8001")
WAREHOUSE = os.environ.get("WAREHOUSE_URL", "http://127.0.0.1:8002")
CARRIER = os.environ.get("CARRIER_URL", "http://127.0.0.1:8003")
BROKER = os.environ.get("HEADRACE_DEMO_BROKER") or "filesystem://localhost"
FULFILMENT = os.environ.get("FULFILMENT_URL")
"""With ``--durable``, the worker that takes orders over HTTP instead of the queue."""

QUEUE = os.environ.get("SHOP_QUEUE", "headrace-shop")
