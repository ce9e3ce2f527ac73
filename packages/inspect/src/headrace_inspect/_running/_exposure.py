"""Who else may call a function: code that is not seen, and the world outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import ast

    from headrace_inspect._names._entities import Class, Function
    from headrace_inspect._names._library_values import ChainValue
    from headrace_inspect._names._values import TaskValue, Value

    from ._nodes import Node
    from ._trees import Tree


Place = Literal["named", "stored", "attached", "library"]


class Given(NamedTuple):
    """Something that gets into other hands.

    Attributes:
        by: the node in which that happens.
        tree: what a call of it runs.
        place: where it gets: ``named`` by an attribute of a class, ``stored`` somewhere in the
            program, ``attached`` to an object, or to code that is not seen, perhaps a ``library``.
        word: the name of the variable or attribute that it is put into, or nothing.
    """

    by: Node
    tree: Tree
    place: Place = "library"
    word: str = ""


class Connected(NamedTuple):
    """A receiver of a signal.

    Attributes:
        by: the node in which it is connected.
        tree: what a call of it runs.
        sender: the class that it wants to hear of, or None for any.
        words: the words by which what sends the signal mentions it.
    """

    by: Node
    tree: Tree
    sender: Class | None
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Route:
    """An address of a web application, and what a request to it runs.

    Attributes:
        by: the node in which it is entered.
        methods: the HTTP methods, in capitals; empty for any.
        path: the segments of its path; None for one that varies.
        tree: what a request runs.
    """

    by: Node
    methods: frozenset[str]
    path: tuple[str | None, ...]
    tree: Tree


class Exposure:
    """What was seen to get into other hands.

    Attributes:
        escaped: what was put where it is lost sight of.
        outside: what a framework or another program calls when it decides so.
        anytime: what a library calls at times that no call shows.
        noted: what was put into a place of its own, such as a chain or a task.
        classes: the classes whose instances were given away, and where.
        lost: the classes whose instances were put into something of which little is known.
        found_again: these classes and their bases, as far as `lost_read` of them and of `escaped`.
        containers: the names of what parameters are put into.
        handed: the names of variables and attributes that are handed on under other names.
        returned: what is returned to nobody knows whom, and what a call of it runs.
        asked: the functions of which it is noted in `returned` what they return.
        attributes: the names that classes give values to, as far as `read` of the classes.
        routes: the addresses of web applications.
        receivers: what runs when a signal is sent, by the signal.
        tasks: the Celery tasks, by the function: the name that they were given, and the task.
        chains: the chains whose steps are declared, by the call that made them.
    """

    def __init__(self) -> None:
        self.escaped: list[Given] = []
        self.outside: list[Given] = []
        self.anytime: list[Given] = []
        self.noted: list[Given] = []
        self.classes: dict[tuple[Node, Class], None] = {}
        self.lost: dict[tuple[Node, Class], None] = {}
        self.lost_read: tuple[int, int] = (0, 0)
        self.found_again: set[Class] = set()
        self.containers: dict[str, None] = {}
        self.handed: set[str] = set()
        self.returned: dict[Value, list[Tree]] = {}
        self.attributes: set[str] = set()
        self.read = 0
        self.asked: set[Value] = set()
        self._by_word: dict[str, list[Given]] = {}
        self._indexed = 0
        self.routes: list[Route] = []
        self.receivers: dict[Value, list[Connected]] = {}
        self.tasks: dict[Function, tuple[str | None, TaskValue]] = {}
        self.chains: dict[ast.AST, ChainValue] = {}

    def under(self, word: str) -> list[Given]:
        """Return what was put under the name `word` where it is lost sight of."""
        for given in islice(self.escaped, self._indexed, None):
            self._by_word.setdefault(given.word, []).append(given)
        self._indexed = len(self.escaped)
        return self._by_word.get(word, [])

    def trees(self) -> Iterator[tuple[Node, Tree]]:
        """Yield what may be called, with the nodes that let it be."""
        for entries in (self.escaped, self.outside, self.anytime, self.noted):
            for given in entries:
                yield given.by, given.tree
        for route in self.routes:
            yield route.by, route.tree
        for receivers in self.receivers.values():
            for connected in receivers:
                yield connected.by, connected.tree

    def forget(self, nodes: set[Node]) -> None:
        """Take back what was seen in `nodes`, which are looked at once more."""
        self.returned.clear()
        self.asked.clear()
        self._by_word.clear()
        self._indexed = 0
        for entries in (self.escaped, self.outside, self.anytime, self.noted):
            entries[:] = [given for given in entries if given.by not in nodes]
        self.routes[:] = [route for route in self.routes if route.by not in nodes]
        self.classes = {pair: None for pair in self.classes if pair[0] not in nodes}
        self.lost = {pair: None for pair in self.lost if pair[0] not in nodes}
        self.lost_read = (0, 0)
        for receivers in self.receivers.values():
            receivers[:] = [connected for connected in receivers if connected.by not in nodes]
