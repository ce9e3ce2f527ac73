"""The fields of a line as SQL expressions over its text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from ._fields import CONTAINERS, NATIVE, TYPES, Names

_BLANK = "chr(9) || chr(10) || chr(13) || ' '"
_LATEST = 253_402_300_799_999_999  # the end of the year 9999, in microseconds
_MOST = {"BIGINT": 2**32 - 1, "DOUBLE": 10 * 366 * 86_400_000}  # ten years, in milliseconds
"""The largest plausible number of each type. Larger and negative ones count as absent, so that sums
and differences cannot overflow."""
_IS_EVENT = "(event LIKE 'unit.%' OR event LIKE 'step.%' OR event LIKE 'task.%')"
_OTHER_KEYS = {"flow_id": "correlation_id", "task_id": "run_id"}
"""The fields that a line of headrace's may state under another key: the executions of a durable run
share its ID, as the attempts at a task share that of the task."""
_PRESENCE = {"_": "BOOLEAN"}
"""The type of a key that is only compared with NULL: DuckDB copies no text for it."""
_DERIVED = {
    "level": "upper(coalesce(level, CASE WHEN try_cast(status AS BIGINT) IS NULL THEN status END))",
    "logger": f"coalesce(logger, CASE WHEN {_IS_EVENT} THEN NULL ELSE name END)",
    "message": f"coalesce(message, CASE WHEN NOT {_IS_EVENT} THEN event END)",
    "event": f"CASE WHEN {_IS_EVENT} THEN event END",
    "name": f"CASE WHEN {_IS_EVENT} THEN name END",
    "flow_id": "CASE WHEN flow_id LIKE 'projects/%/traces/%' THEN split_part(flow_id, '/', 4) "
    "ELSE flow_id END",
    "outcome": "CASE outcome WHEN 'success' THEN 'ok' WHEN 'failure' THEN 'error' ELSE outcome END",
}


def native_sql(lines: str, fields: Sequence[str]) -> str:
    """Return a query that takes lines for those of `headrace.logging.JsonFormatter`.

    It has a row for each line with the columns ``file``, ``number``, ``rest`` and `fields`;
    ``rest`` is the text of a line that has another shape, and NULL otherwise.

    Args:
        lines: the relation of the lines, with the columns ``file``, ``number`` and ``text``.
        fields: the fields to read.
    """
    types = {field: TYPES.get(field, "VARCHAR") for field in fields}
    spec = dict.fromkeys(NATIVE, _PRESENCE) | types | dict.fromkeys(_OTHER_KEYS.values(), "VARCHAR")
    is_native = " AND ".join(f"{_key(key)} IS NOT NULL" for key in NATIVE)
    columns = ", ".join(f"{_native(field)} AS {field}" for field in fields)
    return f"""
    SELECT file, number, CASE WHEN {is_native} THEN NULL ELSE text END AS rest, {columns} FROM (
     SELECT file, number, text,
      CASE WHEN text LIKE '{{%' THEN try(from_json(text, {_literal(json.dumps(spec))})) END AS o
     FROM {lines}
    )"""


def _native(field: str) -> str:
    key = _key(field)
    if field == "time":
        return _within(f"epoch_us(try_cast({key} AS TIMESTAMPTZ))")
    if field in _OTHER_KEYS:
        return f"coalesce({key}, {_key(_OTHER_KEYS[field])})"
    return _plausible(key, TYPES.get(field))


def any_sql(lines: str, names: Names, fields: Sequence[str]) -> str:
    """Return a query that looks for each field under all its keys, at any shape of line.

    It has a row for each line that is not blank with the columns ``file``, ``number``, ``rest`` and
    `fields`; ``rest`` is empty for a line that is no JSON object, and NULL otherwise. A time
    without an offset is taken as UTC.

    Args:
        lines: the relation of the lines, with the columns ``file``, ``number`` and ``text``.
        names: the keys of each field.
        fields: the fields to read.
    """
    raw = ", ".join(f"{_coalesced(keys, names)} AS {field}" for field, keys in names.items())
    columns = ", ".join(f"{_typed(field)} AS {field}" for field in fields)
    plain = {key for keys in names.values() for key in keys if "." not in key}
    contained = " ".join(f"WHEN {_is_object(key)} THEN {_key(key)}" for key in CONTAINERS)
    return f"""
    SELECT file, number, rest, {columns} FROM (
     SELECT file, number, CASE WHEN o IS NULL THEN '' END AS rest, {raw} FROM (
      SELECT *, CASE WHEN c IS NOT NULL THEN from_json(c, {_spec(plain)}) END AS p FROM (
       SELECT *, CASE {contained} END AS c FROM (
        SELECT file, number, text, CASE WHEN text LIKE '{{%' AND json_valid(text)
         THEN from_json(text, {_spec(_top_keys(names))}) END AS o
        FROM ({_cut_sql(lines)})
       ) WHERE o IS NOT NULL OR trim(text, {_BLANK}) <> ''
      )
     )
    )"""


def _cut_sql(lines: str) -> str:
    # Container runtimes put a time or a name before the line, or the line into "log".
    return f"""
    SELECT file, number, CASE
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
    kind = TYPES.get(field)
    return value if kind is None else _plausible(f"try_cast({value} AS {kind})", kind)


def _plausible(value: str, kind: str | None) -> str:
    most = _MOST.get(kind or "")
    return value if most is None else f"CASE WHEN {value} BETWEEN 0 AND {most} THEN {value} END"


def _time_sql() -> str:
    text = "epoch_us(try_cast(replace(time, ',', '.') AS TIMESTAMPTZ))"
    number = "try_cast(time AS DOUBLE)"
    # Seconds, milliseconds, microseconds or nanoseconds, by their size.
    scaled = (
        f"try_cast({number} * CASE WHEN {number} < 1e11 THEN 1e6 WHEN {number} < 1e14 THEN 1e3 "
        f"WHEN {number} < 1e17 THEN 1 ELSE 1e-3 END AS BIGINT)"
    )
    return _within(f"coalesce({text}, {scaled})")


def _within(instant: str) -> str:
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
