"""Header names, and cloud vendors' headers, which contain an ID among other values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_is_root = re.compile(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}").fullmatch
_parse_cloud_trace = re.compile(
    r"(?P<trace>(?!0{32})[0-9a-fA-F]{32})(?:/[0-9]{1,20})?(?:;o=[0-9]{1,3})?"
).fullmatch


def is_header_name(text: object) -> bool:
    """Return whether `text` can be the name of an HTTP header (RFC 9110, section 5.6.2)."""
    return isinstance(text, str) and _token(text) is not None


class VendorHeader(NamedTuple):
    """How to read a vendor's header."""

    id_of: Callable[[str], str | None]
    """Returns the ID in the header's value, or None if the value is malformed."""
    form: str
    """The expected format, for messages."""


def _id_of_amazon(value: str) -> str | None:
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
    fields = [field.strip(" \t").partition("=") for field in value.split(";")]
    roots = [text for name, _, text in fields if name == "Root"]
    return roots[0] if len(roots) == 1 and _is_root(roots[0]) else None


def _id_of_google(value: str) -> str | None:
    # https://cloud.google.com/trace/docs/trace-context
    match = _parse_cloud_trace(value.strip(" \t"))
    return None if match is None else match["trace"]


VENDOR_HEADERS = {
    "x-amzn-trace-id": VendorHeader(_id_of_amazon, "Root=1-8 hex digits-24 hex digits"),
    "x-cloud-trace-context": VendorHeader(_id_of_google, "32 hex digits/decimal number;o=1"),
}
"""The vendors' headers, by lower-case name."""
