"""The fields of a line as SQL expressions over its text."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ._fields import CONTAINERS, Names

_IS_BLANK = "(trim(text, chr(9) || chr(10) || chr(13) || ' ') = '')"
_LOOKS_GOOD = "text LIKE '{%'"
_GOOD = f"(CASE WHEN {_LOOKS_GOOD} THEN json_valid(text) ELSE false END)"
_LATEST = 253_402_300_799_999_999  # the end of the year 9999, in microseconds
_TYPES = {
    "pid": "BIGINT",
    "steps": "BIGINT",
    "status": "BIGINT",
    "retries": "BIGINT",
    "redelivered": "BOOLEAN",
}
_IS_EVENT = "(event LIKE 'unit.%' OR event LIKE 'step.%' OR event LIKE 'task.%')"
_DERIVED = {
    "level": "upper(coalesce(level, CASE WHEN try_cast(status AS BIGINT) IS NULL THEN status END))",
    "logger": f"coalesce(logger, CASE WHEN {_IS_EVENT} THEN NULL ELSE name END)",
    "message": f"coalesce(message, CASE WHEN NOT {_IS_EVENT} THEN event END)",
    "event": f"CASE WHEN {_IS_EVENT} THEN event END",
    "name": f"CASE WHEN {_IS_EVENT} THEN name END",
    "flow_id": "CASE WHEN flow_id LIKE 'projects/%/traces/%' THEN split_part(flow_id, '/', 4) "
    "ELSE flow_id END",
}


def decoded_sql(lines: str, names: Names, *, checked: bool) -> str:
    """Return a query for one row per line that is a JSON object: `number`, and each field.

    `time` is in microseconds since 1970, UTC; a time without an offset is taken as UTC.

    Args:
        lines: the relation of the lines, with the columns ``number`` and ``text``.
        names: the keys of each field.
        checked: leave out text that is no JSON object. Without it, which is faster, the query
            raises an error on such text.
    """
    raw = ", ".join(f"{_coalesced(keys, names)} AS {field}" for field, keys in names.items())
    typed = ", ".join(f"{_typed(field)} AS {field}" for field in names)
    plain = {key for keys in names.values() for key in keys if "." not in key}
    contained = " ".join(f"WHEN {_is_object(key)} THEN {_key(key)}" for key in CONTAINERS)
    condition = _GOOD if checked else _LOOKS_GOOD
    value = f"CASE WHEN {condition} THEN from_json(text, {_spec(_top_keys(names))})"
    value += " END" if checked else f" WHEN NOT {_IS_BLANK} THEN error('no JSON object') END"
    return f"""
    SELECT number, {typed} FROM (
     SELECT number, {raw} FROM (
      SELECT number, o, CASE WHEN c IS NOT NULL THEN from_json(c, {_spec(plain)}) END AS p FROM (
       SELECT number, o, CASE {contained} END AS c FROM (
        SELECT number, {value} AS o FROM ({_cut_sql(lines)})
       ) WHERE o IS NOT NULL
      )
     )
    )"""


def bad_sql(lines: str) -> str:
    """Return a query for the number of each line that is neither blank nor a JSON object."""
    return f"SELECT number FROM ({_cut_sql(lines)}) WHERE NOT {_GOOD} AND NOT {_IS_BLANK}"


def _cut_sql(lines: str) -> str:
    # Container runtimes put a time or a name before the line, or the line into "log".
    return f"""
    SELECT number, CASE
     WHEN text LIKE '{{"log":"{{%' AND json_valid(text) THEN json_extract_string(text, '$.log')
     WHEN text LIKE '{{%' OR strpos(text, '{{') = 0 THEN text
     ELSE substr(text, strpos(text, '{{')) END AS text
    FROM {lines}"""


def _coalesced(keys: Iterable[str], names: Names) -> str:
    options: list[str] = []
    for key in keys:
        top, dot, below = key.partition(".")
        is_group = any(one.startswith(f"{key}.") for all_ in names.values() for one in all_)
        flat = _key(key)
        options.append(f"CASE WHEN {flat} NOT LIKE '{{%' THEN {flat} END" if is_group else flat)
        if dot:
            path = _literal("$" + "".join(f".{json.dumps(part)}" for part in below.split(".")))
            found = f"json_extract_string({_key(top)}, {path})"
            options.append(f"CASE WHEN {_is_object(top)} THEN {found} END")
        else:
            options.append(f"p.{_name(key)}")
    return f"coalesce({', '.join(options)})"


def _typed(field: str) -> str:
    value = _DERIVED.get(field, field)
    if field == "time":
        return _time_sql()
    if field.endswith("_ms"):
        number = f"try_cast({value} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    return f"try_cast({value} AS {_TYPES[field]})" if field in _TYPES else value


def _time_sql() -> str:
    text = "epoch_us(try_cast(replace(time, ',', '.') AS TIMESTAMPTZ))"
    number = "try_cast(time AS DOUBLE)"
    # Seconds, milliseconds, microseconds or nanoseconds, by their size.
    scaled = (
        f"try_cast({number} * CASE WHEN {number} < 1e11 THEN 1e6 WHEN {number} < 1e14 THEN 1e3 "
        f"WHEN {number} < 1e17 THEN 1 ELSE 1e-3 END AS BIGINT)"
    )
    instant = f"coalesce({text}, {scaled})"
    return f"CASE WHEN {instant} BETWEEN 0 AND {_LATEST} THEN {instant} END"


def _top_keys(names: Names) -> set[str]:
    keys = {key for keys in names.values() for key in keys} | set(CONTAINERS)
    return keys | {key.partition(".")[0] for key in keys}


def _is_object(key: str) -> str:
    return f"({_key(key)} LIKE '{{%' AND json_valid({_key(key)}))"


def _key(key: str) -> str:
    return f"o.{_name(key)}"


def _name(key: str) -> str:
    return '"' + key.replace('"', '""') + '"'


def _spec(keys: Iterable[str]) -> str:
    return _literal(json.dumps(dict.fromkeys(sorted(keys), "VARCHAR")))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
