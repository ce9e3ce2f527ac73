"""Where lines of different shapes state what a line can say."""

from ._fields import FIELDS, TYPES, Names, field_names, is_native
from ._sql import any_sql, native_sql

__all__ = ["FIELDS", "TYPES", "Names", "any_sql", "field_names", "is_native", "native_sql"]
