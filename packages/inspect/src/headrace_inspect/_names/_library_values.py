"""What expressions stand for that have to do with a library."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._values import Value

if TYPE_CHECKING:
    from ._entities import Class


@dataclass(slots=True, unsafe_hash=True)
class Driven(Value):
    """A callable that awaits what `inner` gives."""

    inner: Value


@dataclass(slots=True, unsafe_hash=True)
class FlowValue(Value):
    """A flow, by its name; None where that is computed."""

    name: str | None


@dataclass(slots=True, unsafe_hash=True)
class Closing(Value):
    """A context manager that gives `inner`, and calls its method `method` in the end."""

    inner: Value
    method: str


@dataclass(slots=True, unsafe_hash=True)
class OpenedFlow(Value):
    """What ``flow.open()`` gives, before it is entered."""

    name: str


@dataclass(slots=True, unsafe_hash=True)
class Declarator(Value):
    """What makes a function a step: a decorator of headrace with its arguments.

    Attributes:
        flow: the flow's name as a `Text`, None in a class that has the flow, or unknown.
        is_entrypoint: whether the flow begins with the step.
        after: the steps before, as names or functions.
        name: the step's name as a `Text`, or None for the function's own.
        task: what makes it a Celery task too, or None.
    """

    flow: Value | None
    is_entrypoint: bool = False
    after: tuple[Value, ...] = ()
    name: Value | None = None
    task: TaskDecorator | None = None


@dataclass(slots=True, unsafe_hash=True)
class TaskDecorator(Value):
    """What makes a function a Celery task.

    Attributes:
        name: the task's name as a `Text`, or None for its usual one.
        is_bound: whether the task itself is the first argument.
    """

    name: Value | None = None
    is_bound: bool = False


@dataclass(slots=True, unsafe_hash=True)
class SignalValue(Value):
    """A Django signal of the source, by where it is made."""

    name: str


@dataclass(slots=True, unsafe_hash=True)
class ManagerValue(Value):
    """A manager of a Django model, or one of its query sets.

    Attributes:
        model: the model.
        own: the class of the source that it is an instance of.
    """

    model: Class
    own: Class


@dataclass(slots=True, unsafe_hash=True)
class Related(Value):
    """A field of a Django model that refers to another model.

    Attributes:
        kind: the field's class, or nothing if it is not known to what it refers.
        to: the other model, or its name as a `Text`.
        reverse: the attribute of the other model; nothing for the usual one, None if computed.
    """

    kind: str
    to: Value
    reverse: str | None


@dataclass(slots=True, unsafe_hash=True)
class Receiver(Value):
    """What connects a function with signals, by ``@receiver``."""

    signals: tuple[Value, ...]
    sender: Value | None


@dataclass(slots=True, unsafe_hash=True)
class Router(Value):
    """A web application or a part of one.

    Attributes:
        prefix: the beginning of its paths.
        dependencies: what FastAPI calls before each of its endpoints.
    """

    prefix: str = ""
    dependencies: tuple[Value, ...] = ()


@dataclass(slots=True, unsafe_hash=True)
class ViewClass(Value):
    """What ``as_view()`` gives."""

    cls: Class


@dataclass(slots=True, unsafe_hash=True)
class AnnotatedValue(Value):
    """``Annotated[type, ...]`` under a name of its own.

    Attributes:
        inner: what a variable of this type stands for.
        metadata: what stands behind the type.
    """

    inner: Value
    metadata: tuple[Value, ...]


@dataclass(slots=True, unsafe_hash=True)
class Dependency(Value):
    """What FastAPI calls before an endpoint."""

    inner: Value


@dataclass(slots=True, unsafe_hash=True)
class Callbacks:
    """What a chain calls around a step besides the step itself.

    Attributes:
        before: what is called before it.
        again: what is called before it is tried again.
        behind: what is called after it.
        last: what is called when all that has been called.
    """

    before: tuple[Value, ...] = ()
    again: tuple[Value, ...] = ()
    behind: tuple[Value, ...] = ()
    last: tuple[Value, ...] = ()


NO_CALLBACKS = Callbacks()


@dataclass(slots=True, unsafe_hash=True)
class ChainStep:
    """A step of a chain; if `branches` is not None, chains that run at once instead.

    Attributes:
        function: what is called.
        name: the step's name, or None where it is computed.
        node: the call that added it.
        path: the file of that call.
        undo: what is called if a later step fails.
        callbacks: what else is called around the step.
        is_optional: whether it depends on the context that it runs.
        branches: see above.
    """

    function: Value
    name: str | None
    node: ast.AST
    path: str
    undo: Value | None = None
    is_optional: bool = False
    branches: tuple[ChainValue, ...] | None = None
    callbacks: Callbacks = NO_CALLBACKS


@dataclass(slots=True, unsafe_hash=True)
class ChainValue(Value):
    """A chain as far as it is built.

    Attributes:
        site: the call that made it.
        flow: the flow that its steps are declared in: a name, ``""`` for none, None if computed.
        steps: its steps.
        is_async: whether its run is awaited.
        hooks: what is called around each step.
    """

    site: ast.AST
    flow: str | None
    steps: tuple[ChainStep, ...] = ()
    is_async: bool = False
    hooks: Callbacks = NO_CALLBACKS


@dataclass(slots=True, unsafe_hash=True)
class Signature(Value):
    """Celery work to be done: a task, or a canvas of other work.

    Attributes:
        how: ``task``, ``chain``, ``group`` or ``chord``.
        parts: the task, or the work that it consists of; for a chord, the header and the body.
        links: what runs after it.
        errors: what runs if it fails.
    """

    how: str
    parts: tuple[Value, ...]
    links: tuple[Value, ...] = ()
    errors: tuple[Value, ...] = ()
