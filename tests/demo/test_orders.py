"""The demo's reading of orders."""

from __future__ import annotations

from pathlib import Path

from tests.demo.shop import load

orders = load("orders")


def test_lines_that_are_no_orders_are_reported_with_file_and_line(tmp_path: Path) -> None:
    """The other orders are sent; blank lines and a byte order mark do no harm."""
    path = tmp_path / "my.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"number": "T-1"}\n\n{"number": \n[1]\n{"number": 7}\n'
        b'{"number": "T-1"}\n\xff\n' + b"[" * 100_000 + b'\n{"number": NaN}\n'
        b'{"number": "\\ud800"}\n{"number": "T-2"}'
    )
    found, problems = orders.read_orders(path)
    assert [order["number"] for order in found] == ["T-1", "T-2"]
    shape = 'not an order: expected an object with a "number", a string'
    assert problems == [
        f"{path}:3: not JSON: Expecting value at column 12",
        f"{path}:4: {shape}",
        f"{path}:5: {shape}",
        f"{path}:6: there is an order T-1 already",
        f"{path}:7: not UTF-8: invalid start byte",
        f"{path}:8: not an order: nested too deeply",
        f"{path}:9: not JSON: a number is infinite or none",
        f"{path}:10: not UTF-8: surrogates not allowed",
    ]
