"""Options in the source: their names, and literal values, which the options' checks validate."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterator
from typing import Any

from headrace._configure import check_configuration
from headrace._http.options import HTTP_OPTIONS, HttpOptions
from headrace._messages.hints import name_hint

from .applications import CONFIGURE_OPTIONS, EXTENSION, KINDS, OPTIONS
from .findings import Finding
from .source import Source, elements, text_of

_TAKEN = {
    "headrace.configure": CONFIGURE_OPTIONS,
    **{init: kind.takes for kind in KINDS for init in kind.inits},
    **{wrapper: HTTP_OPTIONS for kind in KINDS for wrapper in kind.wrappers},
}
_APPLICATIONS = frozenset({"app", "celery_app"})
_FLASK = "HEADRACE_"


def examine_options(source: Source, *, has_flask: bool) -> Iterator[Finding]:
    """Yield what is wrong with the options in calls, and with Flask's settings if `has_flask`."""
    for call in source.calls():
        name = source.name(call.func)
        first = source.name(call.args[0]) if call.args else ""
        is_listed = name.rpartition(".")[2] in {"Middleware", "add_middleware"}
        known = _TAKEN.get(first if is_listed else name)
        if known is None:
            continue
        given = [(each.arg, each.value) for each in call.keywords if each.arg]
        if name == "headrace.configure":
            given += [("backend", value) for value in call.args[:1]]
        for option, value in given:
            if option not in _APPLICATIONS:
                wanted = option.lower() if name == EXTENSION else option
                yield from option_findings(source, option, wanted, value, known)
    for key, value in _flask_settings(source) if has_flask else ():
        yield from option_findings(source, key, key.removeprefix(_FLASK).lower(), value, OPTIONS)


def _flask_settings(source: Source) -> Iterator[tuple[str, ast.expr]]:
    for target, value, _ in source.assigned():
        key = text_of(target.slice) if isinstance(target, ast.Subscript) else ast.unparse(target)
        if (key or "").startswith(_FLASK):
            yield str(key), value
    for node in source.nodes():
        if isinstance(node, ast.keyword) and (node.arg or "").startswith(_FLASK):
            yield str(node.arg), node.value


def option_findings(
    source: Source, shown: str, name: str, value: ast.expr, known: Collection[str]
) -> Iterator[Finding]:
    """Yield what is wrong with one option.

    Args:
        source: the file.
        shown: the option as the user wrote it.
        name: its name, spelt as in `known`.
        value: its value.
        known: the names of the options that are accepted there.
    """
    if name not in known:
        message = f"there is no option {shown}; {name_hint(name, sorted(known))}"
        yield Finding(source.shown, value.lineno, "option", message)
        return
    name = name.lower()
    texts = [text_of(one) or "" for one in elements(value) or []]
    if name == "exclude_paths" and not {"/*", "*", "/"}.isdisjoint(texts) and "/" not in texts:
        message = f"{shown} excludes every path, so no request has an ID; exclude single paths"
        yield Finding(source.shown, value.lineno, "excluded-paths", message)
    elif fault := _fault(name, value, is_path=shown.startswith("HEADRACE[")):
        message = f"{shown} is invalid, and the application does not start: {fault}"
        yield Finding(source.shown, value.lineno, "option", message)
    if name == "request_headers" and any("_" in text for text in texts):
        message = (
            f"{shown} has a name with an underscore; headers are spelt with hyphens, and servers "
            "drop or rename all others, so inbound IDs are ignored"
        )
        yield Finding(source.shown, value.lineno, "header-name", message)


def _fault(name: str, value: ast.expr, *, is_path: bool) -> str:
    """Return why a literal value is invalid, without the value, or ``""``.

    Args:
        name: the option.
        value: its expression.
        is_path: whether a string may be the dotted path of an object, as in Django's settings.
    """
    try:
        literal: Any = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ""  # computed at run time
    parts = literal if isinstance(literal, list | tuple) else [literal]
    if is_path and any(_may_be_path(name, part) for part in parts):
        return ""
    if name == "commands":
        return "" if isinstance(literal, bool) else "commands must be True or False"
    check: Any = check_configuration if name in CONFIGURE_OPTIONS else HttpOptions
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(**{name: literal})
    except (TypeError, ValueError) as error:
        text = str(error).replace(f", not {literal!r}", "")
        for part in parts:
            text = text.replace(repr(part), "a value") if isinstance(part, str) else text
        return text
    except ImportError:  # a backend whose library is not installed here
        return ""
    return ""


def _may_be_path(name: str, value: object) -> bool:
    is_object = name in {"validator", "id_factory"}
    return isinstance(value, str) and (
        is_object or ("." in value and name in {"trust_inbound", "backend"})
    )
