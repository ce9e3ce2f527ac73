"""The data in a page: everything is inline, under a policy that allows nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined


def render(data: Mapping[str, Any], title: str) -> str:
    """Return the page.

    Args:
        data: what `page_data` returns.
        title: the title of the page.
    """
    style, script, page = (_resource(f"page.{kind}") for kind in ("css", "js", "html"))
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(page).render(
        title=title,
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        data=_data(data),
        has_messages=data["messages"],
    )


def _data(data: Mapping[str, Any]) -> str:
    # One JSON object, with a line for each story, so that the page can read them one by one.
    rest = {key: value for key, value in data.items() if key != "stories"}
    stories = ",\n".join(map(_json, data["stories"]))
    return f'{_json(rest)[:-1]},\n"stories":[\n{stories}\n]}}'


def _json(value: object) -> str:
    # In an element of type application/json, only what may end the element is special.
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _resource(name: str) -> str:
    return files("headrace_trace._page").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
