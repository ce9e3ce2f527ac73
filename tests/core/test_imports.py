"""What `import headrace` does: it makes names available, and nothing else."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace import backends, clients, integration
from headrace._process.safe_path import _is_own_module
from tests.core.flow_kit import run_python

FRAMEWORKS = [
    *("aiohttp", "asgiref", "asyncio", "celery", "concurrent.futures", "django", "fastapi"),
    *("flask", "httpx", "kombu", "opentelemetry", "requests", "rich", "starlette", "structlog"),
    "werkzeug",
]

HEAVY = [
    *("ast", "copy", "dataclasses", "difflib", "dis", "inspect", "json", "logging", "pickle"),
    *("random", "tokenize", "traceback", "uuid"),
]


def in_new_interpreter(program: str) -> str:
    """Run `program` where nothing else has been imported or configured."""
    path = str(Path(headrace.__file__).parents[1])
    return run_python("-I", "-c", f"import sys; sys.path.insert(0, {path!r})\n{program}")


def test_import_brings_no_framework() -> None:
    """No framework is imported, installed or not, and neither is asyncio."""
    loaded = in_new_interpreter("import sys, headrace; print(*sys.modules)").split()
    assert "headrace" in loaded
    assert set(FRAMEWORKS) & set(loaded) == set()


def test_import_brings_no_heavy_module() -> None:
    """What declares, logs, draws or inspects is imported where it is first used."""
    loaded = in_new_interpreter("import sys, headrace; print(*sys.modules)").split()
    assert set(HEAVY) & set(loaded) == set()
    ours = [each for each in loaded if each.startswith("headrace.")]
    assert len(ours) < 12, ours


def test_steps_are_logged_although_nothing_was_configured() -> None:
    """The automatic backend is in force before any other name of the package is used."""
    program = (
        "import logging, headrace\n"
        "logging.basicConfig(level='INFO', format='%(message)s', stream=sys.stdout)\n"
        "@headrace.entrypoint('orders')\n"
        "def receive(): pass\n"
        "receive()"
    )
    assert "orders.receive ok in" in in_new_interpreter(program)


def test_declaring_and_running_steps_brings_no_framework() -> None:
    """The quick start runs without asyncio as well."""
    program = (
        "import sys, headrace\n"
        "@headrace.entrypoint('a')\n"
        "def receive(): charge()\n"
        "@headrace.step('a', after=receive)\n"
        "def charge(): headrace.inject({})\n"
        "receive()\n"
        "headrace.extract({})\n"
        "print(*sys.modules)"
    )
    assert set(FRAMEWORKS) & set(in_new_interpreter(program).split()) == set()


def test_the_clients_come_when_they_are_asked_for() -> None:
    """Without requests and aiohttp the module is there for httpx, whose hooks import nothing."""
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['aiohttp', 'httpx', 'requests']))\n"
        "from headrace.clients import httpx_hooks\n"
        "print(*httpx_hooks(hosts=['api']))"
    )
    assert in_new_interpreter(program) == "request\n"


@pytest.mark.guarantee(7)
def test_import_starts_no_thread() -> None:
    """After the import there is the main thread alone, as it is after making IDs."""
    program = (
        "import threading, headrace\n"
        "print(threading.active_count())\n"
        "with headrace.open_context() as c: c.unit_id\n"
        "print(threading.active_count())"
    )
    assert in_new_interpreter(program).split() == ["1", "1"]


def test_import_leaves_logging_alone() -> None:
    """No handler or filter is added, no level set, no record factory, on no logger."""
    program = (
        "import logging\n"
        "factory = logging.getLogRecordFactory()\n"
        "import headrace, headrace.logging, headrace.backends\n"
        "headrace.configure('logging')\n"
        "loggers = [logging.root, *(each for each in logging.root.manager.loggerDict.values()\n"
        "           if isinstance(each, logging.Logger))]\n"
        "assert logging.getLogRecordFactory() is factory\n"
        "assert logging.lastResort.level == logging.WARNING\n"
        "for each in loggers:\n"
        "    assert (each.handlers, each.filters, each.propagate) == ([], [], True), each\n"
        "    assert each.level == (logging.WARNING if each is logging.root else 0), each\n"
        "print(sorted(each.name for each in loggers))"
    )
    assert "headrace" in in_new_interpreter(program)


def test_import_leaves_the_process_alone() -> None:
    """Hooks, signals, environment and working folder are as they were."""
    program = (
        "import os, signal, sys\n"
        "def state():\n"
        "    return (sys.excepthook, sys.getswitchinterval(), sys.gettrace(), sys.getprofile(),\n"
        "            sys.get_asyncgen_hooks(), sys.meta_path[:], sys.path[:], os.getcwd(),\n"
        "            dict(os.environ), [signal.getsignal(n) for n in signal.valid_signals()])\n"
        "before = state()\n"
        "import headrace\n"
        "assert state() == before\n"
        "print('ok')"
    )
    assert in_new_interpreter(program) == "ok\n"


def test_every_module_can_be_imported_alone() -> None:
    """Each module of the package is importable first, where its optional library is installed."""
    names = [
        name
        for _, name, _ in pkgutil.walk_packages(headrace.__path__, "headrace.")
        if not name.endswith("__main__")
    ]
    assert "headrace._flows.registry" in names
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ImportError as error:\n"
        "        if error.name.startswith('headrace'): raise\n"
        "    for each in list(sys.modules):\n"
        "        if each.startswith('headrace'): del sys.modules[each]\n"
        "print('ok')"
    )
    assert in_new_interpreter(program) == "ok\n"


def test_all_names_are_there() -> None:
    """Every name in ``__all__`` exists and is listed by `dir`; a star import gets them all."""
    for module in (headrace, backends, integration):
        assert len(module.__all__) == len(set(module.__all__))
        for name in module.__all__:
            assert hasattr(module, name), name
        assert set(module.__all__) <= set(dir(module))
    namespace: dict[str, Any] = {}
    exec("from headrace import *", namespace)
    assert set(headrace.__all__) <= set(namespace)


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that does not exist is refused in the words of a module."""
    with pytest.raises(AttributeError, match="module 'headrace' has no attribute 'stepp'"):
        _ = headrace.stepp


def public_objects() -> dict[str, Any]:
    """Return every public name of the public modules, with what is behind it."""
    found: dict[str, Any] = {}
    for module in public_modules():
        names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
        for name in names:
            value = getattr(module, name)
            if isinstance(value, types.ModuleType):
                continue
            if getattr(value, "__module__", "headrace").startswith("headrace"):
                found[f"{module.__name__}.{name}"] = value
    return found


def public_modules() -> list[types.ModuleType]:
    """Return the modules of the package whose names have no underscore."""
    names = [
        name
        for _, name, _ in pkgutil.walk_packages(headrace.__path__, "headrace.")
        if "._" not in name
    ]
    return [headrace, *(module for name in names if (module := _imported(name)) is not None)]


def _imported(name: str) -> types.ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").startswith("headrace"):
            raise
        return None  # its optional library is not installed


PUBLIC = public_objects()


def is_documented_value(value: Any) -> bool:
    """Tell whether `value` is one whose docstring is its type's: a string, a tuple."""
    return isinstance(value, str | tuple | int | frozenset) and not isinstance(value, type)


@pytest.mark.parametrize("name", sorted(n for n, v in PUBLIC.items() if not is_documented_value(v)))
def test_public_name_has_a_docstring(name: str) -> None:
    """Every public class and function says what it is, and so does each of its public methods."""
    value = PUBLIC[name]
    assert inspect.getdoc(value), name
    if isinstance(value, type):
        for attribute, member in vars(value).items():
            if attribute[0] != "_" and (callable(member) or isinstance(member, property)):
                assert inspect.getdoc(getattr(value, attribute)), f"{name}.{attribute}"


def documented_parameters(value: Any) -> list[str]:
    """Return the parameters that the docstring of `value` has to speak of."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return []
    return [name for name in signature.parameters if name not in {"self", "args", "kwargs"}]


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, value in PUBLIC.items()
        if (inspect.isfunction(value) or isinstance(value, type))
        and not (isinstance(value, type) and issubclass(value, BaseException))
        and not getattr(value, "_is_protocol", False)
    ),
)
def test_public_name_explains_its_parameters(name: str) -> None:
    """Every parameter of a public function or class is spoken of in its docstring."""
    value = PUBLIC[name]
    text = inspect.getdoc(value) or ""
    missing = [each for each in documented_parameters(value) if each not in text]
    assert missing == [], f"{name}: {missing}"


def test_public_modules_have_docstrings() -> None:
    """Each public module says what it is for."""
    modules = public_modules()
    assert clients in modules
    assert [module.__name__ for module in modules if not inspect.getdoc(module)] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["python", "-m", "headrace", "graph"], True),
        (["python", "-mheadrace"], True),
        (["python", "-Im", "headrace.__main__"], True),
        (["python", "-m", "pytest"], False),
        (["python", "-c", "pass"], False),
        (["python", "script.py", "headrace"], False),
        (["python", "-m"], False),
    ],
)
def test_running_the_package_is_recognised(words: list[str], expected: bool) -> None:
    """Only `-m headrace`, with or without other flags, leaves the folder out of the search path."""
    assert _is_own_module(words) is expected
