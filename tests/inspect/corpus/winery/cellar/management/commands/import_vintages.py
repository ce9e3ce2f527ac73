import csv
import pathlib
from contextlib import contextmanager

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from cellar.flows import vintages
from cellar.models import Vintage

LOCK = pathlib.Path("/run/lock/vintages")


@contextmanager
@vintages.step(after="read_rows")
def import_lock():
    LOCK.touch(exist_ok=False)
    try:
        yield LOCK
    finally:
        LOCK.unlink()


class Command(BaseCommand):
    help = "Import the vintages from the cellar's spreadsheet."

    def add_arguments(self, parser):
        parser.add_argument("path")
        parser.add_argument("--rebuild", action="store_true")

    @vintages.entrypoint
    def handle(self, *args, path, rebuild=False, **options):
        seen = []
        with import_lock():
            for row in self.read_rows(path):
                try:
                    record = parse_row(row)
                except KeyError as error:
                    raise CommandError(f"no column {error}") from None
                seen.append(store_row(record))
            Vintage.objects.drop_stale(seen)
        if rebuild:
            call_command("rebuild_index", verbosity=0)
        self.stdout.write(self.style.SUCCESS(f"{len(seen)} vintages"))

    @vintages.step(after=handle)
    def read_rows(self, path):
        with open(path, newline="", encoding="utf-8") as lines:
            yield from csv.DictReader(lines)


@vintages.step(after="read_rows")
def parse_row(row):
    return {"name": row["Wine"].strip(), "year": int(row["Year"])}


@vintages.step(after=parse_row)
def store_row(record):
    vintage, _ = Vintage.objects.update_or_create(**record)
    return vintage.pk


@vintages.step(after="parse_row")
def guess_region(record):
    """The spreadsheet has a column for it by now."""
    return record["name"].split()[-1]
