"""Demand-driven evaluation: which instructions are worth evaluating.

Most of a program never comes near a step, a task or a signal. Evaluation starts from those and
works back to their callers:

- A goal is a function whose runs are to be found, such as a step.
- A body is relevant if it may run a goal, publish a task, send a signal or do something else that
  a model marks; a function, class or value is relevant if it may run a relevant body.
- A name is wanted if it may stand for something relevant. An instruction is wanted, and evaluated,
  if it mentions a wanted name.

Calls are resolved by value, so an unrelated name that happens to be wanted costs time, but cannot
add a wrong call.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from headrace_inspect._symbols._entities import Class, Function, Module, Scope
from headrace_inspect._symbols._syntax import Instruction, name_of

from ._contexts import Context
from ._registry import Registry
from ._values import (
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Instance,
    Items,
    ModuleValue,
    Object,
    Partial,
    Pending,
    Static,
    Table,
    Union,
    Value,
    Wrapper,
)

_CONSTRUCTING = frozenset(["__init__", "__new__", "__post_init__", "__init_subclass__"])
_ADDING = frozenset([
    "append",
    "add",
    "appendleft",
    "extend",
    "insert",
    "put",
    "put_nowait",
    "setdefault",
    "update",
])
_WITH_PARTS = (Bound, Partial, Wrapper, Static, Pending, Union, Items, Table, Object)
_SILENT = (Constant, External, ModuleValue, type(None))
Parts = tuple[tuple[Function | Class | None, bool], ...]


class Demand:
    """Decides which instructions are evaluated.

    Args:
        modules: the program.
        registry: the models of libraries, which tell where to start.
        subclasses: returns the direct and indirect subclasses of a class.
        is_total: whether every instruction is wanted.

    Attributes:
        goals: the goals.
        relevant: the relevant bodies.
        names: the wanted names.
    """

    def __init__(
        self,
        modules: Sequence[Module],
        registry: Registry,
        subclasses: Callable[[Class], list[Class]],
        *,
        is_total: bool,
    ) -> None:
        self.goals: set[Function] = set()
        self.relevant: set[Context] = set()
        self._functions: set[Function] = set()  # relevant
        self._classes: dict[Class, bool] = {}  # relevant, and whether their instances are too
        self.is_total = is_total
        self._subclasses = subclasses
        self.implied_by = registry.implied_by
        self._queue: deque[tuple[Context, int]] = deque()
        self._checks: list[tuple[Scope, int]] = []
        self._wanted: dict[Scope, dict[int, None]] = defaultdict(dict)
        self._contexts: dict[Scope, list[Context]] = defaultdict(list)
        self._missing: dict[Scope, None] = {}
        self.names: set[str] = set()
        self._sought: set[tuple[str, str]] = set()
        self._places: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
        self._parameters: set[tuple[Function, str]] = set()
        self._holders: dict[object, list[tuple[Function | None, str, bool]]] = defaultdict(list)
        self._parts: dict[Value, Parts] = {}
        self._callers: dict[Context, dict[Context, None]] = defaultdict(dict)
        self._mentions: dict[str, list[tuple[Scope, tuple[int, ...]]]] = defaultdict(list)
        self._derived: dict[str, list[tuple[Scope, tuple[int, ...]]]] = defaultdict(list)
        self._returned: dict[str, list[Scope]] = defaultdict(list)
        self._declaring = registry.declaring
        for module in modules:
            self._add(module)
        for name in sorted(registry.seeds):
            self.want(name)

    def _add(self, module: Module) -> None:
        scopes: list[Scope] = [module, *module.functions]
        for scope in scopes:
            code = scope.code
            for name, numbers in code.mentions.items():
                if name[:1] != ":":
                    self._mentions[name].append((scope, numbers))
            for name, numbers in code.derived.items():
                self._derived[name].append((scope, numbers))
            for name in code.returned:
                self._returned[name].append(scope)
            for number, node in enumerate(code.ops):
                declares = node[0] == "c" and name_of(node[3]) in self._declaring
                if self.is_total or declares or node[0] in {"def", "class"}:
                    self._wanted[scope][number] = None

    def wanted(self, scope: Scope) -> list[int]:
        """Return the wanted instructions of `scope`, in order."""
        return sorted(self._wanted.get(scope, ()))

    def covers(self, module: Module) -> bool:
        """Tell whether functions of a module are evaluated; a test module needs a goal for that."""
        return not module.is_test or any(one.module is module for one in self.goals)

    def contexts_of(self, scope: Scope) -> list[Context]:
        """Return the bodies of `scope` that have been registered so far."""
        return self._contexts.get(scope, [])

    def instructions(self) -> Iterator[tuple[Context, int]]:
        """Yield the queued instructions with their bodies, until there are no more."""
        while self._queue:
            yield self._queue.popleft()

    def missing(self) -> list[Scope]:
        """Return the goals, and the scopes with wanted instructions, that have no body yet."""
        found, self._missing = list(self._missing), {}
        return [one for one in found if one not in self._contexts]

    # --- names ------------------------------------------------------------------------------------

    def want(self, name: str) -> None:
        """Make `name` wanted: queue the instructions that mention it."""
        if name in self.names:
            return
        self.names.add(name)
        for scope, numbers in self._mentions.get(name, ()):
            self._want_all(scope, numbers)
        for scope, numbers in self._derived.get(name, ()):
            self._checks += [(scope, one) for one in numbers]
        self._checks += [(scope, -1) for scope in self._returned.get(name, ())]

    def _want_where(self, names: tuple[str, ...], libraries: tuple[str, ...]) -> None:
        """Queue the instructions that mention one of `names`, in modules that import a library.

        Args:
            names: the names.
            libraries: the top-level packages, one of which must be imported; any module if empty.
        """
        if (names, libraries) in self._places:
            return
        self._places.add((names, libraries))
        for name in names:
            if not libraries:
                self.want(name)
            for scope, numbers in self._mentions.get(name, ()) if libraries else ():
                imported = {one[2].partition(".")[0] for one in scope.module.code.definitions
                            if one[0] == "import"}  # fmt: skip
                if not imported.isdisjoint(libraries):
                    self._want_all(scope, numbers)

    def _want_class(self, cls: Class, *, instances: bool) -> None:
        known = self._classes.get(cls)
        if known or known is instances:
            return
        self._classes[cls] = instances
        self.names.discard(cls.name)  # only now may its instances be relevant
        self.want(cls.name)
        self._want_holders(cls, instances=instances)

    def _want_holders(self, one: Function | Class, *, instances: bool = True) -> None:
        """Want the names and parameters that hold a function, a class or its instances."""
        for function, parameter, is_instance in self._holders.get(one, ()):
            if instances or not is_instance:
                self._want_value(function, parameter)

    def checks(self) -> Iterator[tuple[Scope, int]]:
        """Yield the definitions whose values may be relevant; -1 is the result of the function."""
        while self._checks:
            yield self._checks.pop()

    def note_assignment(self, name: str, value: Value) -> None:
        """Record that a variable, an attribute or a function's result may have a value."""
        if name and name not in self.names:
            self._note(None, name, value)

    def note_argument(self, function: Function, name: str, value: Value) -> None:
        """Record that a parameter may have a value."""
        if (function, name) not in self._parameters:
            self._note(function, name, value)

    def _note(self, function: Function | None, name: str, value: Value) -> None:
        if self._is_relevant(value):
            self._want_value(function, name)
        else:
            for one, is_instance in self._parts_in(value):
                self._holders[one].append((function, name, is_instance))

    def _parts_in(self, value: Value) -> Parts:
        if value not in self._parts:
            self._parts[value] = tuple(_parts_of(value))
        return self._parts[value]

    def _is_relevant(self, value: Value) -> bool:
        for one, is_instance in self._parts_in(value):
            if isinstance(one, Class):
                known = self._classes.get(one)
                if known or (known is not None and not is_instance):
                    return True
            elif one is None or one in self._functions:
                return True
        return False

    def _want_value(self, function: Function | None, name: str) -> None:
        """Want a parameter of `function`; without a function, any mention of the name."""
        if function is None:
            self.want(name)
        if function is None or (function, name) in self._parameters:
            return
        self._parameters.add((function, name))
        for scope in _nested_in(function):
            self._want_all(scope, scope.code.mentions.get(f":{name}", ()))
            if f":{name}" in scope.code.returned:
                self._checks.append((scope, -1))

    def _want_all(self, scope: Scope, numbers: Iterable[int]) -> None:
        wanted, contexts = self._wanted[scope], self._contexts.get(scope, ())
        new = [one for one in numbers if one not in wanted]
        wanted.update(dict.fromkeys(new))
        self._queue += [(context, one) for context in contexts for one in new]
        if new and not contexts:
            self._missing[scope] = None

    def seek(self, kind: str, name: str) -> None:
        """Queue the instructions that may supply an unknown value.

        Args:
            kind: ``set`` for an attribute, ``add`` for the items of a list or mapping.
            name: the name of the attribute, list or mapping.
        """
        if self.is_total or (kind, name) in self._sought:
            return
        self._sought.add((kind, name))
        for scope, numbers in self._mentions.get(name, ()):
            ops = scope.code.ops
            self._want_all(scope, [one for one in numbers if _gives(ops[one], kind, name)])

    # --- bodies -----------------------------------------------------------------------------------

    def open(self, context: Context) -> None:
        """Register a new body, and queue its wanted instructions."""
        scope = context.scope
        if scope is not None:
            self._contexts[scope].append(context)
            self.reopen(context)
        if context.function in self.goals:
            self.mark_relevant(context)

    def reopen(self, context: Context) -> None:
        """Queue the wanted instructions of a body again."""
        if context.scope is not None:
            self._queue += [(context, one) for one in self.wanted(context.scope)]

    def add_goal(self, function: Function) -> None:
        """Make a function a goal."""
        if function not in self.goals:
            self.goals.add(function)
            self._missing[function] = None
            for context in self._contexts.get(function, ()):
                self.mark_relevant(context)

    def link(self, caller: Context, target: Context) -> None:
        """Record that a body calls another one."""
        if target in self.relevant:
            self.mark_relevant(caller)
        else:
            self._callers[target][caller] = None

    def mark_relevant(self, context: Context) -> None:
        """Mark a body, and all its callers, as relevant."""
        waiting = [context]
        while waiting:
            context = waiting.pop()
            if context in self.relevant:
                continue
            self.relevant.add(context)
            waiting += self._callers.pop(context, ())
            self._want_where(*context.wants)
            if context.function is not None:
                self._want_function(context.function)

    def _want_function(self, function: Function) -> None:
        """Want what may call a relevant function."""
        name, owner = function.name, function.owner
        if function not in self._functions:
            self._functions.add(function)
            self._want_holders(function)
        if _is_inner(function):  # what mentions it counts as mentioning the names in it
            for scope, numbers in self._mentions.get(name, ()):
                if isinstance(scope, Function) and scope.module is function.module:
                    self._want_all(scope, numbers)
            return
        if owner is not None and name.startswith("__"):
            for cls in (owner, *self._subclasses(owner)):
                self._want_class(cls, instances=name not in _CONSTRUCTING)
        else:
            self.want(name)
            for one in self.implied_by.get(name, ()):
                self.want(one)


def _parts_of(value: Value, depth: int = 4) -> Iterator[tuple[Function | Class | None, bool]]:
    """Yield each function or class in a value, and whether the value holds an instance of it.

    None stands for anything else that may be called.
    """
    if isinstance(value, _SILENT) or not depth:
        return
    match value:
        case FunctionValue(function=function):
            yield function, False
        case ClassValue(cls=cls) | Instance(cls=cls):
            yield cls, isinstance(value, Instance)
        case _:
            if not isinstance(value, _WITH_PARTS):
                yield None, False
    for one in _inside(value):
        yield from _parts_of(one, depth - 1)


def _inside(value: Value) -> Iterable[Value]:
    match value:
        case FunctionValue(captured=captured):
            return [one for _, one in captured]
        case Bound(owner=one) | Partial(inner=one) | Wrapper(inner=one) | Static(inner=one):
            return (one,)
        case Pending(result=one):
            return (one,)
        case Union(options=several) | Items(values=several):
            return several
        case Table(entries=entries):
            return [one for _, one in entries]
        case Object(arguments=arguments, keywords=keywords):
            return (*arguments, *[one for _, one in keywords])
    return ()


def _gives(node: Instruction, kind: str, name: str) -> bool:
    """Tell whether an instruction sets an attribute, or adds to a list or mapping."""
    match node:
        case ("set", _, str(attribute), *_) if kind == "set":
            return attribute == name
        case ("put", owner, *_) if kind == "add":
            return name_of(owner) == name
        case ("c", _, _, ("a", owner, str(method), *_), *_) if kind == "add":
            return method in _ADDING and name_of(owner) == name
    return False


def _is_inner(function: Function) -> bool:
    return function.syntax.outer >= 0 or function.is_lambda


def _nested_in(function: Function) -> Iterator[Function]:
    """Yield a function and those defined in it."""
    yield function
    for one in function.inner:
        yield from _nested_in(one)
