"""Applications of frameworks, and whether headrace is set up on each."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from headrace._configure import check_configuration
from headrace._http.options import HTTP_OPTIONS

from .findings import Finding
from .project import Project
from .source import Function, Source, elements, keyword, method, receiver


@dataclass(frozen=True, slots=True)
class Kind:
    """A framework.

    Attributes:
        title: its name.
        classes: the dotted names of its application class.
        inits: functions that set up the application that is their first argument.
        takes: the names of the options of `inits`.
        wrappers: middleware that wraps an application, and takes `HTTP_OPTIONS`.
        needs: what the application lacks if it is not set up.
        add: the lines to add; ``{app}`` stands for the application.
        package: the package to install.
    """

    title: str
    classes: tuple[str, ...]
    inits: tuple[str, ...]
    takes: tuple[str, ...]
    wrappers: tuple[str, ...]
    needs: str
    add: tuple[str, ...]
    package: str

    def lines(self, app: str) -> tuple[str, ...]:
        """Return the lines to add for the application named `app`."""
        return tuple(line.format(app=app) for line in self.add)

    def missing(self, app: str = "app", place: str = "") -> Finding:
        """Return the finding that an application is not set up.

        Args:
            app: the name of the application in the lines to add.
            place: where it is made, for the message.
        """
        described = f"{self.title} application {place}".rstrip()
        message = f"headrace is not set up on the {described}: {self.needs}"
        to = f"after the application, with pip install {self.package}"
        return Finding("", 0, f"{self.title.lower()}-set-up", message, self.lines(app), to)


ASGI = ("headrace.asgi.FlowMiddleware", "headrace_fastapi.FlowMiddleware")
WSGI = ("headrace.wsgi.FlowMiddleware",)
_REQUESTS = "its requests, responses and lines have no ID"
EXTENSION = "headrace_flask.Headrace"
CONFIGURE_OPTIONS = tuple(inspect.signature(check_configuration).parameters)
OPTIONS = (*CONFIGURE_OPTIONS, *HTTP_OPTIONS, "commands")
STARLETTE = Kind(
    "Starlette",
    ("starlette.applications.Starlette",),
    ("headrace_fastapi.init_app",),
    HTTP_OPTIONS,
    ASGI,
    _REQUESTS,
    ("from headrace_fastapi import init_app", "init_app({app})"),
    "headrace-fastapi",
)
KINDS = (
    Kind(
        "Flask",
        ("flask.Flask", "flask.app.Flask"),
        (EXTENSION,),
        OPTIONS,
        WSGI,
        _REQUESTS,
        ("from headrace_flask import Headrace", "Headrace({app})"),
        "headrace-flask",
    ),
    replace(
        STARLETTE,
        title="FastAPI",
        classes=("fastapi.FastAPI", "fastapi.applications.FastAPI"),
    ),
    STARLETTE,
    Kind(
        "Quart",
        ("quart.Quart", "quart.app.Quart"),
        (),
        (),
        ASGI,
        _REQUESTS,
        (
            "import headrace.logging",
            "from headrace.asgi import FlowMiddleware",
            "headrace.logging.install()",
            "{app}.asgi_app = FlowMiddleware({app}.asgi_app)",
        ),
        "headrace",
    ),
    Kind(
        "Celery",
        ("celery.Celery", "celery.app.base.Celery"),
        ("headrace_celery.init_app",),
        ("accept_deadline",),
        (),
        "its tasks do not get their publishers' IDs",
        ("import headrace_celery", "headrace_celery.init_app({app})"),
        "headrace-celery",
    ),
)


@dataclass(slots=True)
class Application:
    """An application that the project creates.

    Attributes:
        kind: its framework.
        source: the file.
        call: the call that creates it.
        target: the name to which it is assigned, or None.
        set_up: the calls that set it up.
    """

    kind: Kind
    source: Source
    call: ast.Call
    target: str | None
    set_up: list[tuple[Source, ast.Call]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name to use in the lines to add."""
        return self.target or "app"


def find_applications(project: Project) -> list[Application]:
    """Return the applications of the project, with the calls that set each up."""
    found = [
        Application(kind, source, call, _target(source, call))
        for source in project.sources
        for kind in KINDS
        for call in source.calls(*kind.classes)
    ]
    for source in project.sources:
        for call in source.calls():
            for kind, argument in _set_up_by(project, source, call):
                for app in _meant(project, found, kind, source, argument):
                    app.set_up.append((source, call))
    return found


def _target(source: Source, call: ast.Call) -> str | None:
    parent = source.parents[call]
    while isinstance(parent, ast.Call):  # FlowMiddleware(Flask(...))
        parent = source.parents[parent]
    if isinstance(parent, ast.Assign):
        return ast.unparse(parent.targets[0])
    return ast.unparse(parent.target) if isinstance(parent, ast.AnnAssign) else None


def _set_up_by(
    project: Project, source: Source, call: ast.Call
) -> Iterator[tuple[Kind, ast.expr | None]]:
    """Yield each framework whose application `call` sets up, and the application's expression."""
    argument = call.args[0] if call.args else keyword(call, "app")
    name = source.name(call.func)
    for kind in KINDS:
        does_init = name in kind.inits and (name != EXTENSION or argument is not None)
        if does_init or (name in kind.wrappers and not is_discarded(source, call)):
            yield kind, argument
        elif _is_listed(project, source, call, kind):
            yield kind, receiver(call)
        elif kind.title == "Flask" and is_extension(project, source, call):
            yield kind, argument


def is_discarded(source: Source, call: ast.Call) -> bool:
    return isinstance(source.parents[call], ast.Expr)


def _is_listed(project: Project, source: Source, call: ast.Call, kind: Kind) -> bool:
    """Return whether `call` lists the middleware: ``add_middleware``, or the class with a list."""
    if method(call) == "add_middleware":
        return bool(call.args) and source.name(call.args[0]) in kind.wrappers
    listed = keyword(call, "middleware") if source.name(call.func) in kind.classes else None
    if listed is None:
        return False
    if elements(listed) is None:  # built elsewhere
        return project.mentions(*kind.wrappers)
    return any(source.name(node) in kind.wrappers for node in ast.walk(listed))


def is_extension(project: Project, source: Source, call: ast.Call) -> bool:
    """Return whether `call` is ``init_app`` of one of our extensions, judged by names."""
    if method(call) != "init_app":
        return False
    value = receiver(call)
    if isinstance(value, ast.Call):
        return source.name(value.func) == EXTENSION
    names = {ast.unparse(value), ast.unparse(value).rpartition(".")[2]}
    places = [source]
    elsewhere = project.find(source.name(value))
    if elsewhere is not None:
        places.append(elsewhere[0])
        names.add(elsewhere[1])
    return any(
        isinstance(made, ast.Call)
        and place.name(made.func) == EXTENSION
        and ast.unparse(target) in names
        for place in places
        for target, made, _ in place.assigned()
    )


def _meant(
    project: Project,
    apps: list[Application],
    kind: Kind,
    source: Source,
    argument: ast.expr | None,
) -> list[Application]:
    """Return the applications that `argument` may be: one if its name is known, else all."""
    same = [app for app in apps if app.kind is kind]
    while isinstance(argument, ast.Call):
        if inside := [app for app in apps if app.call is argument]:
            return [app for app in inside if app.kind is kind]
        if not argument.args:
            return same
        argument = argument.args[0]
    named = [] if argument is None else _named(project, apps, source, argument)
    return [app for app in named if app.kind is kind] if named else same


def _named(
    project: Project, apps: list[Application], source: Source, argument: ast.expr
) -> list[Application]:
    """Return those of `apps` to which the name `argument` refers, if known."""
    text = ast.unparse(argument)
    for inner in (".wsgi_app", ".asgi_app"):
        text = text.removesuffix(inner)
    here = [app for app in apps if app.source is source and app.target == text]
    scope = source.scope(argument)
    if local := [app for app in here if source.scope(app.call) is scope]:
        return local
    if isinstance(scope, Function) and text in {one.arg for one in _arguments(scope)}:
        return []  # a helper that takes the application
    elsewhere = project.find(source.imports.get(text, text if "." in text else ""))
    if here or elsewhere is None:
        return here
    return [app for app in apps if app.source is elsewhere[0] and app.target == elsewhere[1]]


def _arguments(function: Function) -> list[ast.arg]:
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
