"""Which functions may have to do with a flow: found by words, so that the rest is not looked at.

A function that runs a step mentions its name, or that of a function that does, and so on. Words
are taken from the text of files, so that comments and strings count too: what is left out is
certain to be without a part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function, Module, Scope
from headrace_inspect._names._library_values import ChainValue, Declarator, FlowValue
from headrace_inspect._names._survey import survey
from headrace_inspect._names._values import Choice, External, Value

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine

MOST = 2_500
"""So many relevant functions are all looked at; of more, those that are seen to lead to a step."""
MOST_NEAR = 1_500
"""So many of these are looked at, if they are not known to be needed."""
_WORD = re.compile(r"[^\W\d]\w*")
_COMPUTING = frozenset([
    "__dict__",
    "__getattribute__",
    "__import__",
    "attrgetter",
    "entry_points",
    "eval",
    "exec",
    "getattr",
    "getmembers",
    "globals",
    "import_module",
    "import_string",
    "locals",
    "methodcaller",
    "resolve_name",
    "vars",
])
_HTTP = frozenset(["aiohttp", "httpx", "httpx2", "requests"])
_REQUESTING = frozenset(["delete", "get", "patch", "post", "put", "request", "stream"])


def words_in(content: bytes) -> frozenset[str]:
    """Return the words in the text of a file."""
    return frozenset(_WORD.findall(content.decode("utf-8", errors="replace")))


class Relevance:
    """Finds the functions that may have to do with a flow.

    Args:
        engine: resolves names.
        words: the words of each file, by path.

    Attributes:
        modules: the modules that are relevant.
        functions: the functions that are relevant.
        near: those of them to look at: all, unless they are too many.
        classes: the classes in these modules.
    """

    def __init__(self, engine: Engine, words: Mapping[str, frozenset[str]]) -> None:
        self.modules: dict[Module, None] = {}
        self.functions: dict[Function, None] = {}
        self.classes: dict[Class, None] = {}
        self._engine = engine
        self._words = words
        self._files: dict[str, list[str]] = {}
        self._mentions: dict[str, list[Function | tuple[Scope, str]]] = {}
        self._known: set[str] = set()
        self._near: dict[Function, None] = {}
        self._approached: set[str] = set()
        for path, found in words.items():
            for word in found:
                self._files.setdefault(word, []).append(path)
        engine.mentioning = self._mentioning

    # --- declarations -----------------------------------------------------------------------------

    def find_declarations(self) -> None:
        """Find what declares flows: whatever has a name of headrace, or of something made by it."""
        waiting = [word for word in self._files if word.startswith("headrace")]
        known = set(waiting)
        while waiting:
            word = waiting.pop()
            for path in self._files.get(word, ()):
                module = self._engine.program.module(path)
                if module is None or module in self.modules:
                    continue
                self._enter(module)
                for name in self._names_of_ours(module):
                    if name not in known:
                        known.add(name)
                        waiting.append(name)
        for function in self._declaring(known):
            self._engine.decorated(function)

    def _names_of_ours(self, module: Module) -> Iterator[str]:
        scopes: list[Scope] = [module]
        scopes += [one for one in self._scopes(module) if isinstance(one, Class)]
        for scope in scopes:
            for name, bindings in scope.bindings.names.items():
                is_value = any(binding.how not in {"def", "class"} for binding in bindings)
                if is_value and is_ours(self._engine.value_of(scope, name)):
                    yield name
                    if isinstance(scope, Class):
                        yield scope.node.name

    def _declaring(self, known: set[str]) -> Iterator[Function]:
        for module in self.modules:
            for scope in self._scopes(module):
                if isinstance(scope, Function) and any(
                    not survey(one).words.isdisjoint(known) for one in scope.decorators
                ):
                    yield scope

    # --- what runs them ---------------------------------------------------------------------------

    def find_callers(self, names: Iterable[str]) -> None:
        """Find what mentions one of `names`, what mentions that, and so on."""
        words = _forms_of(names)
        self._find_mentions(words)
        self._approach(words)

    def find_users_of(self, names: Iterable[str]) -> None:
        """Find what mentions one of the variables `names`, what mentions that, and so on."""
        self._find_mentions(_forms_of(names))

    def find_callers_of(self, functions: Iterable[Function]) -> None:
        """Find what mentions one of `functions`, what mentions that, and so on.

        They are relevant themselves: what is dynamic in them may run a step that nobody mentions.
        """
        words: list[str] = []
        for function in functions:
            self.functions[function] = self._near[function] = None
            words += dict.fromkeys([*_words_for(function), *_mentions_of(function)])
        self._find_mentions(words)
        self._approach(words)

    def _find_mentions(self, words: list[str]) -> None:
        waiting = [word for word in words if word not in self._known]
        self._known.update(waiting)
        while waiting:
            word = waiting.pop()
            for path in self._files.get(word.lstrip("./"), ()):
                module = self._engine.program.module(path)
                if module is not None and module not in self.modules:
                    self._enter(module)
            for found in self._mentions.get(word, ()):
                for name in self._take(found):
                    if name not in self._known:
                        self._known.add(name)
                        waiting.append(name)

    def find_requests(self) -> None:
        """Find what sends HTTP requests."""
        self._find_users(_HTTP, _REQUESTING)

    def find_dynamic(self) -> None:
        """Find what may call something by a name that is computed."""
        self._find_users(_COMPUTING, _COMPUTING)

    def _find_users(self, in_file: frozenset[str], in_function: frozenset[str]) -> None:
        """Find the functions with a word of `in_function`, in files with one of `in_file`."""
        found = []
        for path, words in self._words.items():
            module = None if words.isdisjoint(in_file) else self._engine.program.module(path)
            if module is None:
                continue
            self._enter(module)
            for scope in self._scopes(module):
                if isinstance(scope, Function) and not scope.words.isdisjoint(in_function):
                    found += self._take(scope)
                    self._bring_near(scope)
        self._find_mentions(found)

    def _take(self, found: Function | tuple[Scope, str]) -> list[str]:
        """Make relevant what mentions a word, and return the words by which it is mentioned."""
        if not isinstance(found, Function):
            return _forms_of([found[1]])
        if found in self.functions:
            return []
        self.functions[found] = None
        words = _mentions_of(found)
        if isinstance(found.parent, Function):
            words += self._take(found.parent)
        return words

    # --- which of them to look at -----------------------------------------------------------------

    @property
    def near(self) -> dict[Function, None]:
        """The functions to look at: all that are relevant, unless they are too many."""
        return self._near if self.are_many else self.functions

    @property
    def are_many(self) -> bool:
        """Whether there are too many relevant functions to look at them all."""
        return len(self.functions) > MOST

    def far(self) -> list[Function]:
        """Return the relevant functions that are not looked at."""
        near = self.near
        return [function for function in self.functions if function not in near]

    def mentioned_by_far(self) -> list[Function]:
        """Return the functions to look at that one of the others mentions."""
        near = self.near
        if not self.are_many:
            return []
        far: dict[str, bool] = {}

        def is_far(word: str) -> bool:
            if word not in far:
                far[word] = False  # a name that is made of itself
                far[word] = any(
                    found not in near if isinstance(found, Function) else is_far(found[1])
                    for found in self._mentions.get(word, ())
                )
            return far[word]

        return [one for one in near if any(is_far(word) for word in _mentions_of(one))]

    def approach(self, functions: Iterable[Function]) -> None:
        """Bring near what mentions one of `functions`: by rare words first, while few are near."""
        words = {word for function in functions for word in _mentions_of(function)}
        counts = [(len(self._mentions.get(word, ())), word) for word in words - self._approached]
        for count, word in sorted(counts):
            if len(self._near) + count <= MOST_NEAR:
                self._approach([word])

    def _approach(self, words: list[str]) -> None:
        waiting = [word for word in words if word not in self._approached]
        self._approached.update(waiting)
        while waiting:
            for found in self._mentions.get(waiting.pop(), ()):
                if isinstance(found, Function):
                    self._bring_near(found)
                    continue
                for word in _forms_of([found[1]]):
                    if word not in self._approached:
                        self._approached.add(word)
                        waiting.append(word)

    def _bring_near(self, function: Function) -> None:
        self._near[function] = None
        if isinstance(function.parent, Function):
            self._bring_near(function.parent)

    # --- reading modules --------------------------------------------------------------------------

    def _enter(self, module: Module) -> None:
        if module in self.modules:
            return
        self.modules[module] = None
        for scope in (module, *self._scopes(module)):
            if isinstance(scope, Class):
                self.classes[scope] = None
            if isinstance(scope, Function):
                for word in scope.mentions:
                    self._mentions.setdefault(word, []).append(scope)
            else:
                self._enter_bindings(scope)

    def _enter_bindings(self, scope: Module | Class) -> None:
        """Note which words the values of variables, and names of imports, are made of."""
        for name, bindings in scope.bindings.names.items():
            for binding in bindings:
                if binding.how in {"import", "from"}:
                    module = binding.module.rpartition(".")[2]
                    words = {f"/{module}", f".{binding.name or module}"} - {f".{name}"}
                elif binding.how in {"value", "element", "entered", "other"}:
                    words = survey(binding.node).mentions({name})
                else:
                    continue
                for word in words:
                    mentions = self._mentions.setdefault(word, [])
                    mentions.append((scope, name))
                    if isinstance(scope, Class) and name in scope.factories:
                        mentions.append((scope, scope.node.name))  # whoever calls the class runs it

    def _mentioning(self, *words: str) -> Iterator[Module]:
        for path in self._files.get(words[0], ()) if words else ():
            if self._words[path].issuperset(words):
                module = self._engine.program.module(path)
                if module is not None:
                    yield module

    def _scopes(self, module: Module) -> list[Class | Function]:
        return self._engine.program.scopes(module)


def _forms_of(names: Iterable[str]) -> list[str]:
    return [form for name in names for form in (name, f".{name}")]


def _words_for(function: Function) -> list[str]:
    """Return how a function is mentioned: a method is no name but in its class."""
    attribute = f".{function.name}"
    return [attribute] if function.owner is not None else [function.name, attribute]


def _mentions_of(function: Function) -> list[str]:
    """Return how a function, or an instance that has it as a method, is mentioned.

    Whoever imports something of a module, told by a slash, may run its ``__getattr__``.
    """
    if function.name == "__getattr__" and function.owner is None:
        path = Path(function.module.path)
        name = path.parent.name if function.module.is_package else path.stem
        return [*_forms_of([name]), f"/{name}"]
    words = _words_for(function) if not function.name.startswith("__") else []
    if function.owner is not None:  # instances of the class may be given to somebody
        words += _forms_of([function.owner.node.name])
    return words


def is_ours(value: Value) -> bool:
    """Tell whether `value` declares flows, or is part of headrace."""
    match value:
        case External(name=name):
            return name.startswith("headrace")
        case Choice(options=options):
            return any(is_ours(option) for option in options)
    return isinstance(value, FlowValue | ChainValue | Declarator)
