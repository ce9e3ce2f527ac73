"""Where lines of different shapes state what a line can say."""

from ._fields import FIELDS, Names, field_names
from ._sql import bad_sql, decoded_sql

__all__ = ["FIELDS", "Names", "bad_sql", "decoded_sql", "field_names"]
