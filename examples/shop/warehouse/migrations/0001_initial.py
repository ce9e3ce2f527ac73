"""The tables, as ``manage.py makemigrations`` wrote them."""
# ruff: noqa: D101, RUF012

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Stock",
            fields=[
                ("article", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("free", models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("number", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("quantity", models.PositiveIntegerField()),
                (
                    "stock",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="warehouse.stock"
                    ),
                ),
            ],
        ),
    ]
