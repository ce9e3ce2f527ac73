"""The way of an order: one flow over four processes. Run this file to see it drawn.

``python flows.py [FILE]`` also writes it to a file, as JSON.
"""

from __future__ import annotations

import os
import sys

from headrace import flow, generate_dag

order = flow("order")

if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "warehouse.settings")
    django.setup()  # imports warehouse/flows.py
    import carrier  # noqa: F401
    import shop  # noqa: F401
    import worker  # noqa: F401

    print(generate_dag("order"))
    for file in sys.argv[1:]:
        generate_dag("order", format="json", output=file)
