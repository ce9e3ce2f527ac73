"""What lay in the warehouse on the first day."""
# ruff: noqa: D101, RUF012

from __future__ import annotations

from django.db import migrations

OPENING = {
    "teapot": 40,
    "kettle": 25,
    "mug": 200,
    "strainer": 60,
    "tea-tin": 80,
    "honey": 30,
    "thermos": 3,
    "samovar": 0,
}


def fill(apps, schema_editor):
    """Put the opening stock on the shelves."""
    stock = apps.get_model("warehouse", "Stock")
    stock.objects.bulk_create(stock(article=name, free=free) for name, free in OPENING.items())


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
