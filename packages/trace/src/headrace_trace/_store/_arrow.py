"""Batches of lines as an Arrow stream, which DuckDB reads without a copy, batch by batch.

The structures are those of the Arrow C data and stream interfaces,
https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.
"""

from __future__ import annotations

import ctypes
import errno
from array import array
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace_trace._reading import Batch

_Release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Fill = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_Describe = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


class _Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.c_void_p),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", _Fill),
        ("get_next", _Fill),
        ("get_last_error", _Describe),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


_COLUMNS = ((b"file", b"i"), (b"number", b"i"), (b"text", b"u"))
_NO_MESSAGE = ctypes.create_string_buffer(b"the logs could not be read")
_kept: dict[int, object] = {}  # the memory behind each array until its release
_keys = count(1)


def _release_schema(address: int) -> None:
    _Schema.from_address(address).release = None


def _release_array(address: int) -> None:
    released = _Array.from_address(address)
    _kept.pop(released.private_data, None)
    released.release = None


def _release_stream(address: int) -> None:
    _Stream.from_address(address).release = None


_RELEASE_SCHEMA, _RELEASE_ARRAY, _RELEASE_STREAM = map(
    _Release, (_release_schema, _release_array, _release_stream)
)


class BatchStream:
    """The lines of batches with the columns ``file``, ``number`` and ``text``; read once.

    It must live until the query over it has ended.

    Args:
        batches: pairs of the index of a file and its next lines. DuckDB asks for them from threads
            of its own, one at a time.
    """

    def __init__(self, batches: Iterator[tuple[int, Batch]]) -> None:
        self._batches = batches
        message = _Describe(lambda _: ctypes.addressof(_NO_MESSAGE))
        self._callbacks = (_Fill(self._get_schema), _Fill(self._get_next), message)
        self._lent: list[object] = []
        self.error: BaseException | None = None
        """What the iterator raised."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a capsule with the stream."""
        stream = _Stream(*self._callbacks)
        stream.release = ctypes.cast(_RELEASE_STREAM, ctypes.c_void_p)
        self._lent.append(stream)
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
        capsule: object = new(ctypes.addressof(stream), b"arrow_array_stream", None)
        return capsule

    def _get_schema(self, _: int, target: int) -> int:
        children = [_Schema(format=kind, name=name) for name, kind in _COLUMNS]
        pointers = (ctypes.c_void_p * len(children))(*map(ctypes.addressof, children))
        self._lent += (children, pointers)
        schema = _emptied(_Schema, target)
        schema.format, schema.name, schema.n_children = b"+s", b"", len(children)
        schema.children = ctypes.addressof(pointers)
        for one in (schema, *children):
            one.release = ctypes.cast(_RELEASE_SCHEMA, ctypes.c_void_p)
        return 0

    def _get_next(self, _: int, target: int) -> int:
        try:
            while True:
                file, batch = next(self._batches, (0, None))
                if batch is None or batch.numbers:
                    break
        except BaseException as error:
            self.error = error
            return errno.EIO
        result = _emptied(_Array, target)
        if batch is not None:
            _fill(result, file, batch)
        return 0


def _emptied(kind: Any, address: int) -> Any:
    ctypes.memset(address, 0, ctypes.sizeof(kind))
    return kind.from_address(address)


def _fill(result: Any, file: int, batch: Batch) -> None:
    count = len(batch.numbers)
    files = array("I", [file]) * count
    children = [
        _column(count, files),
        _column(count, batch.numbers),
        _column(count, batch.offsets, batch.text),
    ]
    structures = [one for one, _ in children]
    pointers = (ctypes.c_void_p * len(children))(*map(ctypes.addressof, structures))
    buffers = (ctypes.c_void_p * 1)(None)
    result.length, result.n_buffers, result.n_children = count, 1, len(children)
    result.buffers, result.children = ctypes.addressof(buffers), ctypes.addressof(pointers)
    result.release = ctypes.cast(_RELEASE_ARRAY, ctypes.c_void_p)
    result.private_data = key = next(_keys)
    _kept[key] = (children, pointers, buffers)


def _column(count: int, *data: array[int] | bytes) -> tuple[_Array, object]:
    addresses = [_address(one) for one in data]
    buffers = (ctypes.c_void_p * (len(data) + 1))(None, *addresses)
    column = _Array(length=count, n_buffers=len(buffers), buffers=ctypes.addressof(buffers))
    column.release = ctypes.cast(_RELEASE_ARRAY, ctypes.c_void_p)
    return column, (buffers, data)


def _address(data: array[int] | bytes) -> int | None:
    if isinstance(data, bytes):
        return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
    return data.buffer_info()[0]
