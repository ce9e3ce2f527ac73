"""What everything else asks: which values names have, and which node a call runs."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function, Module, Scope
from headrace_inspect._names._library_values import Declarator
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Choice,
    ContextValue,
    FunctionValue,
    Instance,
    Many,
    PartialValue,
    Possibly,
    PropertyValue,
    Result,
    StepValue,
    TaskValue,
    Value,
    choice_of,
)

from . import _annotations, _attributes, _bodies, _classes, _decorating, _hubs, _lookup
from ._exposure import Exposure
from ._frame import Frame
from ._giving import calls_of, functions_in
from ._nodes import NO_ARGUMENTS, Hub, Node
from ._policies import Coarse
from ._trees import Possible, Run, Where

if TYPE_CHECKING:
    from headrace_inspect._names._program import Program

    from ._trees import Tree

_DEEPEST = 40
"""How many calls deep results are looked at; beyond that nothing is known of them."""


class Engine:
    """The state of an analysis.

    Attributes:
        program: the source.
        policy: how closely it is looked.
        nodes: the nodes by their keys, in the order in which they were found.
        exposure: what may be called by whom besides the calls in the source.
        declared: the functions that decorators of headrace make steps, and these.
        mros: the classes that have been asked for their bases.
        relevant: the functions that may lead to a step, by name.
        relevant_count: how many they are, those that are not looked at twice: it grows by each
            function that is added, and changes by each that is looked at after all.
        far: those of them that are not looked at, by name; in `relevant` stand their names alone.
        mentioned_by_far: those that are looked at, and mentioned by one of `far`.
        relations: the fields by which Django's models refer to others, of the classes so far.
        relations_read: how many of the classes these are.
        mentioning: returns the modules with some words in their text.
    """

    def __init__(self, program: Program, policy: Coarse) -> None:
        self.program = program
        self.policy = policy
        self.nodes: dict[Hashable, Node] = {}
        self.exposure: Exposure = Exposure()
        self.mros: dict[Class, list[Class | str]] = {}
        self.declared: dict[Function, dict[Declarator, None]] = {}
        self.relevant: dict[str, list[Function]] = {}
        self.relevant_count = 0
        self.far: dict[str, list[Function]] = {}
        self.mentioned_by_far: list[Function] = []
        self.relations: list[tuple[Class, str]] = []
        self.relations_read = 0
        self._far: frozenset[Function] = frozenset()
        self._heirs: dict[Class, list[Class]] = {}
        self._heirs_read = 0
        self._behind: dict[Class, dict[Class, None]] = {}
        self._lines_read = 0
        self._names: dict[tuple[Scope, str], Value] = {}
        self._decorated: dict[tuple[Function, Value | None], Value] = {}
        self._stored: dict[tuple[Class, str], Value | None] = {}
        self._methods: dict[Class, dict[str, Function]] = {}
        self._calls: dict[Value, list[Tree]] = {}
        self._late: dict[Node, int] = {}
        self._looked = 0
        self._idle: list[Node] = []
        self._variants: dict[Function, int] = {}
        self._grown: dict[tuple[str, Module | None], bool] = {}
        self._patched: dict[str, bool] = {}
        self._changed: dict[Class, bool] = {}
        self._depth = 0
        self.mentioning: Callable[..., Iterable[Module]] = lambda *words: program.modules.values()

    def make_relevant(
        self, near: Sequence[Function], far: Sequence[Function], mentioned: list[Function]
    ) -> None:
        """Say which functions may lead to a step.

        Args:
            near: those that are looked at.
            far: those that are not, and so may do anything with what they mention.
            mentioned: those of `near` that one of `far` mentions.
        """
        self.relevant, self.far = _by_name(near), _by_name(far)
        self._far = frozenset(far)
        self.relevant_count = len(near) + 2 * len(far)
        self.mentioned_by_far = mentioned
        for name in self.far:
            self.relevant.setdefault(name, [])
        if far:
            self.hub(Hub("far"))

    # --- names ------------------------------------------------------------------------------------

    def lookup(self, name: str, scope: Scope) -> Value:
        """Return what `name` stands for in `scope`, by the rules for scopes."""
        return _lookup.lookup(self, name, scope)

    def value_of(self, scope: Scope, name: str) -> Value:
        """Return what `scope` binds `name` to."""
        key = (scope, name)
        if key not in self._names:
            self._names[key] = UNKNOWN  # a name that is defined by itself
            self._names[key] = _lookup.bound_value(self, scope, name)
        return self._names[key]

    def evaluate(self, expression: ast.expr, scope: Scope) -> Value:
        """Return what `expression` stands for, read in `scope` without running anything."""
        try:
            return Frame(self, scope).evaluate(expression)
        except RecursionError:  # an expression of thousands of parts
            return UNKNOWN

    def annotated(self, annotation: ast.expr | None, scope: Scope) -> Value:
        """Return what a name with this annotation stands for."""
        return _annotations.value_of(self, annotation, scope)

    def parameter(self, function: Function, name: str) -> Value:
        """Return what a parameter stands for where the call is not known."""
        key = (function, name)
        if key not in self._names:
            self._names[key] = _bodies.parameter(self, function, name)
        return self._names[key]

    def stored(self, cls: Class, name: str) -> Value | None:
        """Return what methods of `cls` store under the attribute `name` of an instance."""
        key = (cls, name)
        if key not in self._stored:
            self._stored[key] = None  # an attribute that is made of itself
            self._stored[key] = _attributes.stored(self, cls, name)
        return self._stored[key]

    def decorated(self, function: Function, receiver: Value | None = None) -> Value:
        """Return what the name of `function` stands for, decorators included."""
        if not function.decorators:
            return FunctionValue(function, receiver)
        key = (function, receiver)
        if key not in self._decorated:
            bare = FunctionValue(function, receiver)
            self._decorated[key] = bare
            value = _decorating.decorate(Frame(self, function.parent), bare)
            if function in self.declared and step_in(value) is None:
                # Where it stands it was seen to be a step, of a flow whose name is not followed.
                value = StepValue(function, receiver, value)
            self._decorated[key] = value
        return self._decorated[key]

    def has_grown(self, name: str, module: Module | None = None) -> bool:
        """Tell whether something of this name is put into elsewhere than on top of `module`."""
        key = (name, module)
        if key not in self._grown:
            self._grown[key] = any(
                name in one.changes.grown
                or (one is not module and name in one.changes.grown_at_top)
                for one in self.mentioning(name)
            )
        return self._grown[key]

    def is_patched(self, name: str) -> bool:
        """Tell whether something sets the attribute `name` of anything but ``self``."""
        if name not in self._patched:
            self._patched[name] = any(name in one.changes.patched for one in self.mentioning(name))
        return self._patched[name]

    def is_changed(self, cls: Class) -> bool:
        """Tell whether a decorator may put other methods into `cls`, or take its place."""
        if cls not in self._changed:
            self._changed[cls] = _classes.is_changed(self, cls)
        return self._changed[cls]

    # --- classes ----------------------------------------------------------------------------------

    def mro(self, cls: Class) -> list[Class | str]:
        """Return the class and its bases in the order of lookup; those of libraries as names."""
        return _classes.mro(self, cls)

    def behind(self, cls: Class) -> dict[Class, None]:
        """Return the classes that ``super()`` in `cls` finds besides its bases.

        They come behind it in the line of a class that inherits from both.
        """
        lines = list(islice(self.mros.items(), self._lines_read, None))
        self._lines_read += len(lines)
        for heir, line in lines:
            if len(heir.node.bases) > 1:
                self._read_line([one for one in line if isinstance(one, Class)])
        return self._behind.get(cls, {})

    def heirs(self, cls: Class) -> list[Class]:
        """Return the classes that inherit from `cls`, as far as they were asked for their bases."""
        lines = list(islice(self.mros.items(), self._heirs_read, None))
        self._heirs_read += len(lines)
        for heir, line in lines:
            for base in line:
                if isinstance(base, Class) and base is not heir:
                    self._heirs.setdefault(base, []).append(heir)
        return self._heirs.get(cls, [])

    def _read_line(self, line: list[Class]) -> None:
        for place, first in enumerate(line[1:], 1):
            for second in line[place + 1 :]:
                if not self.is_subclass(first, second):
                    self._behind.setdefault(first, {})[second] = None

    def methods(self, cls: Class) -> dict[str, Function]:
        """Return the methods of `cls` by name, inherited ones included."""
        if cls not in self._methods:
            self._methods[cls] = _classes.methods(self, cls)
        return self._methods[cls]

    def is_subclass(self, cls: Class, of: Class) -> bool:
        """Tell whether `cls` is `of` or inherits from it."""
        return of in self.mro(cls)

    def has_method(self, cls: Class, name: str) -> bool:
        """Tell whether a class of the source gives `cls` the method `name`."""
        return any(
            isinstance(base, Class) and name in base.bindings.names for base in self.mro(cls)
        )

    # --- nodes ------------------------------------------------------------------------------------

    def body(self, value: FunctionValue, arguments: Arguments = NO_ARGUMENTS) -> Node:
        """Return the node of a function's body, for these arguments."""
        function = value.function
        receiver = self.policy.receiver(self, function, value.receiver)
        if receiver is not value.receiver:
            value = FunctionValue(function, receiver, value.closure)
        telling = self.policy.telling(self, value, arguments)
        is_variant = bool(telling) or (isinstance(receiver, Instance) and bool(receiver.fields))
        if is_variant and self._variants.get(function, 0) >= _bodies.MOST_VARIANTS:
            telling = ()
            if isinstance(receiver, Instance):
                receiver = Instance(receiver.cls, receiver.exact)
                value = FunctionValue(function, receiver, value.closure)
        key = ("body", value, telling)
        node = self.nodes.get(key)
        if node is None:
            if is_variant:
                self._variants[function] = self._variants.get(function, 0) + 1
            node = self.nodes[key] = Node(
                key,
                lambda node: _bodies.look(self, node, value, dict(telling)),
                function,
                receiver,
                telling=tuple(given for _, given in telling),
            )
        return node

    def step(self, value: StepValue, arguments: Arguments = NO_ARGUMENTS) -> Node:
        """Return the node of a function as a step, for these arguments."""
        receiver = self.policy.receiver(self, value.function, value.receiver)
        if receiver is not value.receiver:
            decorated = self.decorated(value.function, receiver)
            value = step_in(decorated) or value
        telling = NO_ARGUMENTS
        if arguments.positional or arguments.named:
            inner = value.inner
            if not isinstance(inner, FunctionValue) or self.policy.telling(self, inner, arguments):
                telling = self.policy.telling_of(self, value.function, arguments)
        key = ("step", value, telling)
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = Node(
                key,
                lambda node: _bodies.look_at_step(self, node, value, telling),
                value.function,
                value.receiver,
                telling=telling.values(),
                is_step=True,
            )
        return node

    def module_node(self, module: Module) -> Node:
        """Return the node of a module's body."""
        key = ("module", module)
        if key not in self.nodes:
            self.nodes[key] = Node(key, lambda node: _bodies.look_at_module(self, node, module))
        return self.nodes[key]

    def resolve(self, value: Value) -> Value:
        """Return `value`, or what the call returns whose result it is."""
        if not isinstance(value, Result | Choice):
            return value
        return self._resolved(value, set()) or UNKNOWN

    def _resolved(self, value: Value, seen: set[Node]) -> Value | None:
        """Return what `value` is, looking at each node once; None for what goes in a circle."""
        while isinstance(value, Result):
            node = value.node
            if node in seen:
                return None
            seen.add(node)
            if not self._is_known(node):
                return UNKNOWN
            value = node.returns
        if isinstance(value, Choice) and any(isinstance(one, Result) for one in value.options):
            options = [self._resolved(one, seen) for one in value.options]
            known = [one for one in options if one is not None]
            return choice_of(known) if known else None
        return value

    def _is_known(self, node: Node) -> bool:
        if node.tree is not None:
            return True
        if self._depth > _DEEPEST:
            return False
        self._depth += 1
        known = node.look()
        self._depth -= 1
        return known

    def yielded(self, node: Node) -> Value:
        """Return what the generator `node` yields."""
        if not node.look():
            return UNKNOWN
        inner = node.returns if node.is_step else None
        if isinstance(inner, Many):
            return choice_of(inner.items)
        return node.yields

    def node(self, key: Hashable, look: Callable[[Node], None]) -> Node:
        """Return the node with this key; `look` finds out what it runs."""
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = Node(key, look)
        return node

    def late_node(
        self, key: Hashable, look: Callable[[Node], None], size: Callable[[], int]
    ) -> Node:
        """Return the node with this key, which depends on something that grows.

        Args:
            key: what the node is.
            look: finds out what it runs.
            size: how far that which it depends on has grown; the node is looked at again then.
        """
        node = self.node(key, look)
        node.size = size
        return node

    def hub(self, hub: Hub) -> Node:
        """Return the node that runs one of the functions of `hub`."""
        key = ("hub", hub)
        node = self.nodes.get(key)
        if node is None:
            node = self.late_node(
                key,
                lambda node: _hubs.look(self, node, hub),
                lambda: _hubs.size(self, hub),
            )
            node.hub = hub
        return node

    def declare(self, function: Function, declarator: Declarator) -> None:
        """Note that a decorator makes `function` a step."""
        self.declared.setdefault(function, {})[declarator] = None

    def calls(self, value: Value, node: Node) -> list[Tree]:
        """Return what a call of the function in `value` runs, wherever it is called."""
        if value not in self._calls:
            self._calls[value] = []
            for one in functions_in(self.resolve, value):
                frame = Frame(self, one.function.module, node)
                self._calls[value] = calls_of(frame, value, one.function.node)
                break
        return self._calls[value]

    def run(self) -> None:
        """Look at every node, and at those that this brings up, until there are no more."""
        idle, self._idle = self._idle, []
        for node in idle:
            self._look(node)
        is_complete = False
        while not is_complete:
            is_complete = True
            while self._looked < len(self.nodes):
                waiting = list(islice(self.nodes.values(), self._looked, None))
                self._looked = len(self.nodes)
                for node in waiting:
                    if node.size is not None:
                        self._late.setdefault(node, -1)
                    else:
                        self._look(node)
            for node, seen in self._late.items():
                size = node.size() if node.size is not None else seen
                if size != seen:
                    self._late[node] = size
                    node.make(node)
                    is_complete = False

    def _look(self, node: Node) -> None:
        """Look at `node`, unless it is without a part in a flow, or too far from one."""
        function = node.function
        is_idle = not node.telling and (function in self._far or not self.policy.leads(function))
        if function is not None and not node.is_step and is_idle:
            self._idle.append(node)
        else:
            node.look()

    def tree_of(self, node: Node) -> Tree | None:
        """Return what `node` does, as far as that is known; of a far one, whatever is possible."""
        return self.far_away if node.tree is None and node.function in self._far else node.tree

    @cached_property
    def far_away(self) -> Tree:
        """What one of the functions may do that are not looked at."""
        return Possible(Run(self.hub(Hub("far")), Where("", 0)))

    def is_far(self, value: Value) -> bool:
        """Tell whether `value` is what a function returns that is not looked at."""
        return isinstance(value, Result) and value.node.function in self._far

    def close(self) -> None:
        """Let each node do what it may do, if it was not looked at."""
        for node in self.nodes.values():
            node.tree = self.tree_of(node)

    def refine(self, policy: Coarse, functions: set[Function], bodies: set[Node]) -> None:
        """Look at `functions` and at the nodes `bodies` once more, as `policy` says."""
        left = {key: node for key, node in self.nodes.items() if node.function in functions}
        for key in left:  # those that are called as `policy` says are made anew
            del self.nodes[key]
        again = {node for node in bodies if node.size is None}
        self.exposure.forget(again | set(left.values()))
        for node in again:
            node.tree = None
            node.returns = node.yields = UNKNOWN
        for memory in (self._names, self._decorated, self._calls, self._stored, self._variants):
            memory.clear()
        self._late = dict.fromkeys(self._late, -1)
        self._looked = 0
        self._idle = []
        self.policy = policy


def _by_name(functions: Iterable[Function]) -> dict[str, list[Function]]:
    found: dict[str, list[Function]] = {}
    for function in functions:
        found.setdefault(function.name, []).append(function)
    return found


def step_in(value: Value) -> StepValue | None:
    """Return the step in `value`, other decorators aside."""
    while not isinstance(value, StepValue):
        match value:
            case TaskValue(inner=inner) | PropertyValue(inner=inner) | ContextValue(inner=inner):
                value = inner
            case PartialValue(inner=inner) | Possibly(inner=inner):
                value = inner
            case _:
                return None
    return value
