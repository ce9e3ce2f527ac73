"""`configure`, which validates and applies settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import _state
from ._callables import is_plain
from ._context.dispatcher import Dispatcher
from ._messages.hints import checks_keywords
from ._observation.dispatch import install, make_dispatcher
from ._observation.levels import checked_levels
from ._propagation.headers import VENDOR_HEADERS, is_header_name
from ._state import DEFAULT_HEADER, Settings

if TYPE_CHECKING:
    from uuid import UUID


_in_force: dict[str, Any] = {}


@checks_keywords
def configure(
    backend: Any = "auto",
    *,
    strict: bool = False,
    header: str = DEFAULT_HEADER,
    id_factory: Callable[[], str | UUID] | None = None,
    propagate_metadata: Iterable[str] = (),
    levels: Mapping[str, int | str] | None = None,
) -> None:
    """Configure headrace's backends, headers and IDs; each call replaces all earlier settings.

    Args:
        backend: ``"auto"`` (OpenTelemetry if a tracer provider has been set, else logging),
            ``"logging"``, ``"otel"``, ``"none"``, an object with a ``span(step, context)``
            method, or a list of these, which all receive every step.
        strict: whether a step outside any unit of work raises `OutsideFlowError`.
        header: the name of the header that `inject` writes and `extract` reads. In the web
            integrations it is also the default for the first of `request_headers` and for
            `response_header`.
        id_factory: makes correlation IDs: UUIDs, or strings of 1 to 256 characters from
            ``A-Z a-z 0-9 . _ ~ : / + = @ | -`` that start with a letter, a digit or ``|``.
        propagate_metadata: the metadata keys that messages carry to other processes.
        levels: the levels of the units' log lines by outcome, such as ``{"error": "ERROR"}``; the
            other outcomes are logged at INFO.

    Raises:
        ValueError: an unknown backend name, outcome or level, or an invalid header name.
        TypeError: an argument has the wrong type.
    """
    dispatcher, settings = _checked(backend, strict, header, id_factory, propagate_metadata, levels)
    install(dispatcher)
    _state.set_settings(settings)
    _in_force.clear()
    _in_force.update(
        backend=backend,
        strict=settings.strict,
        header=settings.header,
        id_factory=settings.id_factory,
        propagate_metadata=settings.propagate_metadata,
        levels=levels,
    )


def amend(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Apply the options of one application without changing those of others.

    Args:
        old: its previous options, by the names of `configure`'s arguments.
        new: its new options.

    Raises:
        ValueError: as `configure`.
        TypeError: as `configure`.
    """
    if old != new:
        kept = {name: value for name, value in _in_force.items() if name not in old}
        configure(**{**kept, **new})


@checks_keywords
def check_configuration(
    backend: Any = "auto",
    *,
    strict: bool = False,
    header: str = DEFAULT_HEADER,
    id_factory: Callable[[], str | UUID] | None = None,
    propagate_metadata: Iterable[str] = (),
    levels: Mapping[str, int | str] | None = None,
) -> None:
    """Raise the errors that `configure` would raise for these arguments, and change nothing.

    Args:
        backend: as for `configure`.
        strict: as for `configure`.
        header: as for `configure`.
        id_factory: as for `configure`.
        propagate_metadata: as for `configure`.
        levels: as for `configure`.

    Raises:
        ValueError: an unknown backend name, outcome or level, or an invalid header name.
        TypeError: an argument has the wrong type.
    """
    _checked(backend, strict, header, id_factory, propagate_metadata, levels)


def _checked(
    backend: Any, strict: Any, header: Any, id_factory: Any, propagate_metadata: Any, levels: Any
) -> tuple[Dispatcher | None, Settings]:
    settings = Settings(
        _checked_flag("strict", strict),
        _checked_header(header),
        _checked_factory(id_factory),
        _checked_keys(propagate_metadata),
    )
    return make_dispatcher(backend, checked_levels(levels)), settings


def _checked_flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def _checked_header(header: str) -> str:
    if not is_header_name(header):
        raise ValueError(
            f"header must be an HTTP header name (RFC 9110 token) such as "
            f"{DEFAULT_HEADER!r}, not {header!r}"
        )
    if header.lower() in VENDOR_HEADERS:
        raise ValueError(
            f"header must name a header that holds only an ID, but {header} has its own format; "
            f"list it in request_headers instead"
        )
    return header


def _checked_factory(factory: Callable[[], str | UUID] | None) -> Callable[[], str | UUID] | None:
    if factory is not None and not callable(factory):
        raise TypeError(f"id_factory must be a callable that returns an ID, not {factory!r}")
    if factory is not None and not is_plain(factory):
        raise TypeError("id_factory must be a plain function: its result is not awaited")
    return factory


def _checked_keys(keys: Iterable[str]) -> tuple[str, ...]:
    if isinstance(keys, Iterable) and not isinstance(keys, str | bytes | Mapping):
        checked = tuple(keys)
        if all(isinstance(key, str) for key in checked):
            return checked
    raise TypeError(f"propagate_metadata must be a list of metadata keys, not {keys!r}")
