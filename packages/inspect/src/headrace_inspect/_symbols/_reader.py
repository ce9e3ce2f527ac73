"""Converts the syntax tree of a file: the order of its instructions, and its variables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from ._syntax import ClassSyntax, Code, Condition, Expr, FileSyntax, FunctionSyntax, Ids

_MAX_LENGTH = 200
_MAX_NAMES = 30
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.BitOr: "|", ast.RShift: ">", ast.Mod: "%",
}  # fmt: skip
_Environment = dict[str, Ids]
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def syntax_of(tree: ast.Module) -> FileSyntax:
    """Convert the syntax tree of a file."""
    reader = _Reader()
    reader.block(tree.body)
    return FileSyntax(reader.body.code(), tuple(reader.functions), tuple(reader.classes))


def _mask(first: int, last: int) -> int:
    return (1 << last) - (1 << first)


class _Body:
    """The code of a body under construction.

    Attributes:
        gone: the instructions so far that are on other paths, as a bit mask.
        is_open: whether the current place may be reached.
        leaving: the ends of paths that leave an iteration of the innermost loop.
        free: the names that it reads from outer scopes.
    """

    def __init__(
        self, parent: _Body | None = None, parameters: Sequence[str] = (), first: str = ""
    ) -> None:
        self.parent = parent
        self.ops: list[Any] = []
        self.definitions: list[Any] = [("p", name) for name in parameters]
        self.env: _Environment = {name: (i,) for i, name in enumerate(parameters)}
        self.parameters = dict(self.env)
        self.outer_env: _Environment = {}
        self.gone, self.is_open = 0, True
        self.leaving: list[tuple[int, int, _Environment]] = []
        self.conditions: tuple[Condition, ...] = ()
        self.skips: dict[int, int] = {}
        self.held: dict[int, tuple[Condition, ...]] = {}
        self.nested: list[tuple[int, int, bool]] = []
        self.sources: dict[int, tuple[str, ...]] = {}
        self.blocks: list[Any] = []
        self.loops: list[tuple[int, int]] = []
        self.mentions: dict[str, list[int]] = {}
        self.derived: dict[str, list[int]] = {}
        self.returned: set[str] = set()
        self.finals: list[tuple[int, int, int]] = []
        self.unused: set[int] = set()
        self.stars: list[tuple[str, int]] = []
        self.returns: list[Expr] = []
        self.yields: list[tuple[Expr, bool]] = []
        self.first_yield = -1
        self.free: dict[str, None] = {}
        self.first, self.own, self.tested = first, set[str](), set[str]()
        self.stores: dict[str, list[int]] = {}

    def code(self) -> Code:
        return Code(
            tuple(self.ops), tuple(self.definitions), self.skips, self.held, tuple(self.nested),
            tuple(self.blocks), tuple(self.loops), tuple(self.finals),
            {name: tuple(ops) for name, ops in self.mentions.items()},
            {name: tuple(ids) for name, ids in self.derived.items()}, frozenset(self.returned),
            frozenset(self.unused), self.env,
            tuple(self.stars), tuple(self.returns), tuple(self.yields), self.first_yield,
            self.is_open,
        )  # fmt: skip

    def op(self, *node: Any) -> Any:
        number = len(self.ops)
        if self.gone:
            self.skips[number] = self.gone
        if self.conditions:
            self.held[number] = self.conditions
        self.ops.append((*node, number))
        return self.ops[-1]

    def bind(self, name: str, *about: Any) -> None:
        self.env[name] = (len(self.definitions),)
        self.definitions.append((about[0], name, *about[1:]))

    # --- paths ------------------------------------------------------------------------------------

    def end(self) -> tuple[int, int, _Environment]:
        return (self.gone, len(self.ops), self.env)

    def leave(self) -> None:
        self.leaving.append(self.end())
        self.is_open = False

    def meet(self, ends: Sequence[tuple[int, int, _Environment]], env: _Environment) -> None:
        """Continue where paths meet; without a path, the place cannot be reached."""
        self.is_open = bool(ends)
        count, gone = len(self.ops), -1
        for one, end, _ in ends:
            gone &= one | _mask(end, count)
        self.gone = gone if ends else 0
        self.env = _merged([one for _, _, one in ends]) if ends else env

    def branch(self, alternatives: Iterable[Callable[[], object]]) -> list[bool]:
        """Convert alternative branches; return whether the end of each is reached."""
        gone, env, first, conditions = self.gone, self.env, len(self.ops), self.conditions
        ends, reached = [], []
        for work in alternatives:
            self.gone = gone | _mask(first, len(self.ops))
            self.env, self.is_open = env.copy(), True
            work()
            self.conditions = conditions
            reached.append(self.is_open)
            if self.is_open:
                ends.append(self.end())
        self.meet(ends, env)
        return reached


def _merged(environments: Sequence[_Environment]) -> _Environment:
    first, *others = environments
    merged = first.copy() if others else first
    for env in others:
        for name, ids in env.items():
            known = merged.get(name)
            if known is None:
                merged[name] = ids
            elif known != ids:
                merged[name] = tuple(dict.fromkeys([*known, *ids]))
    return merged


class _Reader:
    """Converts one file.

    Attributes:
        body: the body under construction.
        prefix: the dotted name of the scope, with a trailing dot.
        owner: the number of the enclosing class, or -1.
        outer: the number of the enclosing function, or -1.
        depth: the number of blocks around the current one in the body.
        seen: the names mentioned in the statement so far, as in `Code.mentions`.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.depth = -1
        self.functions: list[Any] = []
        self.classes: list[Any] = []
        self.body = _Body()
        self.prefix, self.owner, self.outer = "", -1, -1

    # --- statements -------------------------------------------------------------------------------

    def block(self, body: Iterable[ast.stmt], *, is_caught: bool = False) -> None:
        """Convert statements, up to the first that cannot be reached."""
        first = len(self.body.ops)
        self.depth += 1
        for node in body:
            if not self.body.is_open:
                break
            self.seen.clear()
            handler = _STATEMENTS.get(type(node))
            if handler is not None:
                handler(self, node)
        count = len(self.body.ops)
        if self.depth and first < count:
            self.body.nested.append((first, count, is_caught))
        self.depth -= 1

    def note(self, op: Any, names: Iterable[str]) -> Any:
        """Record that an instruction mentions some names, and return it."""
        mentions, number = self.body.mentions, op[-1]
        for name in names:
            known = mentions.get(name)
            if known is None:
                mentions[name] = [number]
            elif known[-1] != number:
                known.append(number)
        return op

    def bound(self, name: str) -> None:
        """Record that the value of a variable mentions the names seen in the statement."""
        body, number = self.body, self.body.env[name][-1]
        if self.outer < 0 or self.owner >= 0:
            for one in dict.fromkeys(self.seen):
                body.derived.setdefault(one, []).append(number)
        else:
            body.sources[number] = tuple(dict.fromkeys(self.seen))[:_MAX_NAMES]

    def added_to(self, owner: ast.expr, names: Iterable[str]) -> None:
        """Record that a variable, such as a list, now also holds a value that mentions `names`."""
        body = self.body
        for one in body.env.get(owner.id, ()) if isinstance(owner, ast.Name) else ():
            known = body.sources.get(one)
            if known is not None and len(known) < _MAX_NAMES:
                body.sources[one] = tuple(dict.fromkeys((*known, *names)))[:_MAX_NAMES]

    def see(self, name: str) -> None:
        """Record that the statement mentions a name."""
        body: _Body | None = self.body
        while body is not None and name not in body.env:
            body = body.parent
        if body is None or body.parent is None:
            self.seen.append(name)
            return
        for one in body.env[name]:
            if one < len(body.parameters) and name != body.first:
                self.seen.append(f":{name}")
            self.seen += body.sources.get(one, ())

    def inner(self, body: Iterable[ast.stmt]) -> Callable[[], None]:
        return lambda: self.block(body)

    def expression(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.GeneratorExp):
            return  # it never runs
        made = self.expr(node.value)
        if type(made) is tuple and made[0] == "c":
            self.body.unused.add(made[-1])

    def assign(self, node: ast.Assign) -> None:
        value = self.expr(node.value)
        for target in node.targets:
            self.target(target, "=", value)

    def target(self, node: ast.expr, kind: str, value: Any, path: Ids = ()) -> None:
        """Bind an assignment target."""
        body = self.body
        if isinstance(node, ast.Name):
            body.bind(node.id, kind, value, path, *([None] if kind == "=" else []))
            self.bound(node.id)
        elif isinstance(node, ast.Tuple | ast.List):
            for index, one in enumerate(node.elts):
                self.target(one, kind, value, (*path, index))
        elif isinstance(node, ast.Starred):
            self.target(node.value, "?", None)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            if kind != "=":
                made = ("v", "", (len(body.definitions),))
                body.definitions.append((kind, "", *([] if kind == "?" else [value, path])))
                value, path = made, ()
            names = [*self.seen]
            owner = self.owned(node) if isinstance(node, ast.Attribute) else self.expr(node.value)
            if isinstance(node, ast.Subscript):
                key = self.expr(node.slice)
                self.note(body.op("put", owner, key, value, path), self.seen)
                self.seen = names
                self.added_to(node.value, names)
                return
            made = self.note(body.op("set", owner, node.attr, value, path), [*names, node.attr])
            self.seen = names
            if getattr(node.value, "id", None) == body.first:
                body.stores.setdefault(node.attr, []).append(made[-1])

    def annotated(self, node: ast.AnnAssign) -> None:
        annotation, value = self.annotation(node.annotation), self.expr(node.value)
        if isinstance(node.target, ast.Name):
            self.body.bind(node.target.id, "=", value, (), annotation)
            self.bound(node.target.id)
        else:
            made = ("v", "", (len(self.body.definitions),))
            self.body.definitions.append(("=", "", value, (), annotation))
            self.target(node.target, "=", made)

    def augmented(self, node: ast.AugAssign) -> None:
        self.target(node.target, "=", self.operation(node.target, node.op, node.value))

    def return_(self, node: ast.Return) -> None:
        self.body.returns.append(self.expr(node.value))
        self.body.returned.update(self.seen)
        self.body.is_open = False

    def raise_(self, node: ast.Raise) -> None:
        self.expr(node.exc)
        self.body.is_open = False

    def if_(self, node: ast.If) -> None:
        self.expr(node.test)
        body, outer = self.body, self.body.conditions
        body.tested.update(one for one in _names_in(node.test) if one in body.parameters)

        def take(block: list[ast.stmt], *, holds: bool) -> None:
            body.conditions = outer + self.implied(node.test, holds=holds)
            if holds:
                self.narrow(node.test)
            self.block(block)

        known = node.test.value if isinstance(node.test, ast.Constant) else None
        taken = [partial(take, node.body, holds=True)] if known is None or known else []
        taken += [partial(take, node.orelse, holds=False)] if not known else []
        reached = body.branch(taken)
        if len(reached) == 2 and reached[0] is not reached[1]:  # one leaves: the other was taken
            body.conditions = outer + self.implied(node.test, holds=reached[0])

    def implied(self, test: ast.expr, *, holds: bool) -> tuple[Condition, ...]:
        """Return the conditions on parameters and flags that follow from the outcome of `test`."""
        env, parameters = self.body.env, self.body.parameters
        match test:
            case ast.Name(id=name) if name in parameters and env.get(name) == parameters[name]:
                return ((name, holds),)
            case ast.Compare(
                left=ast.Name(id=name),
                ops=[ast.Is() | ast.IsNot() as op],
                comparators=[ast.Constant(value=None)],
            ) if name in parameters and env.get(name) == parameters[name]:
                return ((f"{name} is None", isinstance(op, ast.Is) is holds),)
            case (
                ast.Attribute(attr=name)
                | ast.Call(func=ast.Name("getattr"), args=[_, ast.Constant(value=str(name)), *_])
                | ast.Call(func=ast.Attribute(attr=name))
            ):
                return ((name, holds),)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return self.implied(inner, holds=not holds)
            case ast.BoolOp(op=op, values=values) if isinstance(op, ast.Or) is not holds:
                return tuple([two for one in values for two in self.implied(one, holds=holds)])
        return ()

    def narrow(self, test: ast.expr) -> None:
        """Narrow the type of a variable by a condition that holds."""
        match test:
            case ast.Call(func=ast.Name("isinstance"), args=[ast.Name(id=name), types]):
                known = self.expr(ast.Name(name))
                if type(known) is tuple:
                    self.body.bind(name, "n", self.expr(types), known[2])

    def for_(self, node: ast.For | ast.AsyncFor) -> None:
        iterable = self.expr(node.iter)
        names = [*self.seen]
        self.note(self.body.op("iter", node.lineno, iterable), names)

        def start() -> None:
            self.target(node.target, "for", iterable)
            self.block(node.body)

        def end() -> None:
            self.note(self.body.op("end", node.lineno, iterable), names)

        self.loop(start, node.orelse, end)

    def while_(self, node: ast.While) -> None:
        is_endless = isinstance(node.test, ast.Constant) and bool(node.test.value)

        def start() -> None:
            self.expr(node.test)
            self.block(node.body)

        self.loop(start, node.orelse, lambda: None, is_endless=is_endless)

    def loop(
        self,
        start: Callable[[], None],
        rest: list[ast.stmt],
        end: Callable[[], object],
        *,
        is_endless: bool = False,
    ) -> None:
        body, outer, first, conditions = (
            self.body, self.body.leaving, len(self.body.ops), self.body.conditions,
        )  # fmt: skip
        before = body.end()
        body.leaving, body.env = [], body.env.copy()
        start()
        body.conditions = conditions
        broken, body.leaving = body.leaving, outer
        ends = [before, *broken, *([body.end()] if body.is_open else [])]
        body.loops.append((first, len(body.ops)))
        body.meet([] if is_endless else ends, before[2])
        if body.is_open:
            self.block(rest)
        if broken and (is_endless or not body.is_open):
            body.meet([*broken, *([body.end()] if body.is_open else [])], before[2])
        if body.is_open:
            end()

    def try_(self, node: ast.Try | ast.TryStar) -> None:
        body, before = self.body, self.body.end()
        body.env = body.env.copy()
        self.block(node.body, is_caught=True)
        env, tried = _merged([before[2], body.env]), len(body.ops)
        if body.is_open:
            self.block(node.orelse)
        ends = [body.end()] if body.is_open else []
        for handler in node.handlers:
            body.gone, body.env = before[0] | _mask(tried, len(body.ops)), env.copy()
            body.is_open = True
            if handler.name is not None:
                body.bind(handler.name, "?")
            self.block(handler.body)
            ends += [body.end()] if body.is_open else []
        body.meet(ends, env)
        end, is_open, first = body.gone, body.is_open, len(body.ops)
        body.gone, body.is_open = before[0], True
        self.block(node.finalbody)
        if node.finalbody:
            body.finals.append((before[1], first, len(body.ops)))
        body.gone, body.is_open = end, body.is_open and is_open

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        body, line, managers = self.body, node.items[0].context_expr.lineno, []
        for item in node.items:
            self.seen.clear()
            manager = self.expr(item.context_expr)
            made = self.note(body.op("enter", line, manager), self.seen)
            managers.append((made, [*self.seen]))
            if item.optional_vars is not None:
                self.target(item.optional_vars, "with", made[-1])
        gone, first, count = body.gone, len(body.ops), len(body.yields)
        self.block(node.body)
        is_open, last = body.is_open, len(body.ops)
        body.gone = body.gone if is_open else gone
        for made, names in reversed(managers):
            body.blocks.append((made[2], line, first, last, len(body.yields) > count))
            self.note(body.op("exit", line, made[2], made[-1]), names)
        body.is_open = is_open

    def match_(self, node: ast.Match) -> None:
        subject, body = self.expr(node.subject), self.body
        seen = [*self.seen]

        def take(case: ast.match_case, names: Sequence[str]) -> None:
            for name in names:
                about = ("=", subject, (), None) if len(names) == 1 else ("?",)
                body.bind(name, *about)
                self.seen = [*seen]
                self.bound(name)
            self.block(case.body)

        taken: list[Callable[[], None]] = []
        matches_all = False
        for case in node.cases:
            found = [getattr(one, "name", None) or getattr(one, "rest", None)
                     for one in ast.walk(case.pattern)]  # fmt: skip
            names = [name for name in found if name]
            taken.append(partial(take, case, names))
            if case.guard is not None:
                for name in names:
                    body.bind(name, "?")
                self.expr(case.guard)
            top = case.pattern
            matches_all = isinstance(top, ast.MatchAs) and top.pattern is None and not case.guard
        body.branch(taken if matches_all else [*taken, lambda: None])

    def import_(self, node: ast.Import | ast.ImportFrom) -> None:
        for one in node.names:
            if isinstance(node, ast.Import):
                top = one.name.split(".", 1)[0]
                module = one.name if one.asname else top
                self.body.bind(one.asname or top, "import", module, None, 0)
            elif one.name == "*":
                self.body.stars.append((node.module or "", node.level))
            else:
                name = one.asname or one.name
                self.body.bind(name, "import", node.module or "", one.name, node.level)
                self.seen = [one.name]
                self.bound(name)

    # --- definitions ------------------------------------------------------------------------------

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = tuple([(one.lineno, self.expr(one)) for one in node.decorator_list])
        number, captured = self.function(node, node.name, decorators, self.inner(node.body))
        op = self.body.op("def", number, captured)[-1] if decorators else -1
        known = self.body.env.get(node.name)
        is_accessor = any(
            isinstance(one, ast.Attribute) and one.attr in {"setter", "deleter"}
            for one in node.decorator_list
        )
        self.body.bind(node.name, "def", number, captured, op)
        if self.outer >= 0:
            inner = self.functions[number].code
            names = (node.name, *inner.mentions, *sorted(inner.returned))
            self.body.sources[self.body.env[node.name][-1]] = tuple(dict.fromkeys(names))
        if is_accessor and known is not None:  # the property keeps its getter
            self.body.env[node.name] = known

    def function(
        self,
        node: _Function,
        name: str,
        decorators: tuple[tuple[int, Expr], ...],
        read: Callable[[], object],
    ) -> tuple[int, tuple[tuple[str, Ids], ...]]:
        """Convert a function; return its number and the variables that it captures."""
        given, number = node.args, len(self.functions)
        self.functions.append(None)
        positional = [*given.posonlyargs, *given.args]
        defaults = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
        made: list[tuple[str, Expr, Expr, bool]] = []
        sources: dict[int, tuple[str, ...]] = {}
        both = zip([*positional, *given.kwonlyargs], [*defaults, *given.kw_defaults], strict=True)
        for place, (one, default) in enumerate(both):
            annotation, start = self.annotation(one.annotation), len(self.seen)
            value = None if default is None else self.expr(default) or ("x",)
            if default is not None:
                sources[place] = tuple(self.seen[start:])
            made.append((one.arg, annotation, value, place < len(positional)))
        parameters = tuple(made)
        returns = self.annotation(getattr(node, "returns", None))
        vararg, kwarg = [one.arg if one else None for one in (given.vararg, given.kwarg)]
        owner, outer, prefix, home = self.owner, self.outer, self.prefix, self.body
        names = [*[one[0] for one in parameters], *filter(None, (vararg, kwarg))]
        first = home.first if owner < 0 and home.first not in names else ""
        body = self.body = _Body(home, names, names[0] if owner >= 0 and parameters else first)
        body.sources.update(sources)
        self.prefix, self.owner, self.outer = f"{prefix}{name}.", -1, number
        depth, self.depth = self.depth, -1
        read()
        self.depth = depth
        self.prefix, self.owner, self.outer, self.body = prefix, owner, outer, home
        if first:
            home.own |= body.own
        captured: list[tuple[str, Ids]] = []
        if outer >= 0 or name == "<lambda>":
            for free in body.free:
                ids = home.env.get(free) or home.outer_env.get(free)
                captured.append((free, ids or ()))
                if not ids:
                    home.free[free] = None
        self.functions[number] = FunctionSyntax(
            name, f"{prefix}{name}", node.lineno, owner, outer, parameters, len(given.posonlyargs),
            vararg, kwarg, decorators, returns, body.code(), isinstance(node, ast.AsyncFunctionDef),
            _is_abstract(node), frozenset(body.own),
            {key: tuple(ops) for key, ops in body.stores.items()}, frozenset(body.tested),
        )  # fmt: skip
        return number, tuple(captured)

    def class_(self, node: ast.ClassDef) -> None:
        body, number = self.body, len(self.classes)
        self.classes.append(None)
        decorators = tuple([(one.lineno, self.expr(one)) for one in node.decorator_list])
        bases = self.all(node.bases)
        keywords = tuple([(one.arg, self.expr(one.value)) for one in node.keywords])
        prefix, owner, env, outer_env = self.prefix, self.owner, body.env, body.outer_env
        first, body.first = body.first, ""
        self.prefix, self.owner = f"{prefix}{node.name}.", number
        body.env, body.outer_env = {}, {**outer_env, **env}
        for name, value in keywords:  # ``__init_subclass__`` usually stores them
            if name is not None and name != "metaclass":
                body.bind(name, "=", value, (), None)
        self.block(node.body)
        names, body.env, body.outer_env, body.first = body.env, env, outer_env, first
        self.prefix, self.owner = prefix, owner
        fields = {one.target.id: body.definitions[names[one.target.id][-1]][2]
                  for one in node.body if isinstance(one, ast.AnnAssign)
                  and isinstance(one.target, ast.Name) and one.target.id in names
                  and body.definitions[names[one.target.id][-1]][0] == "="}  # fmt: skip
        self.classes[number] = ClassSyntax(
            node.name, f"{prefix}{node.name}", node.lineno, owner, self.outer, bases, keywords,
            decorators, names, fields,
        )  # fmt: skip
        op = body.op("class", number)[-1] if decorators else -1
        body.bind(node.name, "class", number, op)

    # --- expressions ------------------------------------------------------------------------------

    def expr(self, node: ast.expr | None) -> Expr:
        """Convert an expression, and the instructions in it."""
        if node is None:
            return None
        handler = _EXPRESSIONS.get(type(node))
        return self.others(ast.iter_child_nodes(node)) if handler is None else handler(self, node)

    def all(self, nodes: Iterable[ast.expr | None]) -> tuple[Expr, ...]:
        return tuple([self.expr(node) for node in nodes])

    def others(self, nodes: Iterable[ast.AST]) -> None:
        """Convert only the instructions in an otherwise unknown expression."""
        for one in nodes:
            if isinstance(one, ast.expr):
                self.expr(one)

    def name(self, node: ast.Name) -> Expr:
        if node.id == self.body.first:
            self.body.own.add("self")
        return self.variable(node)

    def variable(self, node: ast.Name) -> Expr:
        name, body = node.id, self.body
        ids = body.env.get(name) or body.outer_env.get(name)
        self.see(name)
        if ids is None:
            body.free[name] = None
            return name
        return ("v", name, ids)

    def constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if type(value) is str:
            last = value.rpartition(".")[2]
            if last.isidentifier():
                self.seen.append(last)
            return ("k", value) if len(value) <= _MAX_LENGTH else None
        return ("k", value) if value is None or type(value) in {bool, int, float} else None

    def annotation(self, node: ast.expr | None) -> Expr:
        """Convert an annotation; a string is parsed first."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        return self.expr(node)

    def attribute(self, node: ast.Attribute) -> Expr:
        owner = self.owned(node)
        self.seen.append(node.attr)
        op = self.body.op("a", owner, node.attr, node.end_lineno)
        self.body.mentions.setdefault(node.attr, []).append(op[-1])
        return op

    def owned(self, node: ast.Attribute) -> Expr:
        """Convert the owner of an attribute."""
        if not isinstance(node.value, ast.Name) or node.value.id != self.body.first:
            return self.expr(node.value)
        self.body.own.add(node.attr)
        return self.variable(node.value)

    def callee(self, node: ast.expr) -> Expr:
        """Convert what is called: reading its last attribute is part of the call."""
        if not isinstance(node, ast.Attribute):
            return self.expr(node)
        self.seen.append(node.attr)
        return ("a", self.owned(node), node.attr, node.end_lineno, -1)

    def call(self, node: ast.Call) -> Expr:
        func = node.func
        if getattr(func, "id", "") == "super":
            self.body.own.add("super")
        where, start = (func.end_lineno or func.lineno, func.end_col_offset or 0), len(self.seen)
        made, given = self.callee(func), self.all(node.args)
        named = tuple([(one.arg, self.expr(one.value)) for one in node.keywords])
        if given and isinstance(func, ast.Attribute):
            self.added_to(func.value, self.seen[start:])
        return self.note(self.body.op("c", *where, made, given, named), self.seen[start:])

    def items(self, node: ast.List | ast.Tuple | ast.Set) -> Expr:
        return ("l", node.lineno, node.col_offset, self.all(node.elts))

    def dict(self, node: ast.Dict) -> Expr:
        keys = ["**" if key is None else self.expr(key) for key in node.keys]
        pairs = tuple(zip(keys, self.all(node.values), strict=True))
        return ("d", node.lineno, node.col_offset, pairs)

    def comprehension(self, node: Any) -> Expr:
        env, self.body.env = self.body.env, self.body.env.copy()
        first = len(self.body.ops)
        for one in node.generators:
            start, iterable = len(self.seen), self.expr(one.iter)
            self.note(self.body.op("iter", node.lineno, iterable), self.seen[start:])
            self.target(one.target, "for", iterable)
            self.others(one.ifs)
        if isinstance(node, ast.DictComp):
            self.expr(node.key)
            made: Expr = ("G", self.expr(node.value))
        else:
            is_lazy = isinstance(node, ast.GeneratorExp)
            made = ("g", self.expr(node.elt), is_lazy, node.lineno, node.col_offset)
        self.body.loops.append((first, len(self.body.ops)))
        self.body.env = env
        return made

    def condition(self, node: ast.IfExp) -> Expr:
        self.expr(node.test)
        made: list[Expr] = []
        self.body.branch([lambda: made.append(self.expr(node.body)),
                          lambda: made.append(self.expr(node.orelse))])  # fmt: skip
        return ("?", *made)

    def operation(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Expr:
        tag, waiting = _OPERATORS.get(type(op)), [right]
        while isinstance(left, ast.BinOp) and type(left.op) is type(op):  # avoids recursion
            waiting.append(left.right)
            left = left.left
        found = self.expr(left)
        for one in reversed(waiting):
            made = self.expr(one)
            found = None if tag is None else (tag, found, made)
        return found

    def walrus(self, node: ast.NamedExpr) -> Expr:
        value = self.expr(node.value)
        self.body.bind(node.target.id, "=", value, (), None)
        self.bound(node.target.id)
        return value

    def yield_(self, node: ast.Yield | ast.YieldFrom) -> None:
        self.body.yields.append((self.expr(node.value), isinstance(node, ast.YieldFrom)))
        self.body.returned.update(self.seen)
        if self.body.first_yield < 0:
            self.body.first_yield = len(self.body.ops)

    def slice(self, node: ast.Slice) -> Expr:
        self.others(ast.iter_child_nodes(node))
        return ("x",)

    def text(self, node: ast.JoinedStr) -> Expr:
        return ("t", self.all([getattr(one, "value", None) if isinstance(one, ast.FormattedValue)
                               else one for one in node.values]))  # fmt: skip

    def lambda_(self, node: ast.Lambda) -> Expr:
        def read() -> None:
            self.body.returns.append(self.expr(node.body))

        return ("f", *self.function(node, "<lambda>", (), read))


def _names_in(test: ast.expr) -> Iterator[str]:
    """Yield the names that a condition tests."""
    match test:
        case ast.Name(id=name) | ast.Compare(left=ast.Name(id=name), ops=[ast.Is() | ast.IsNot()]):
            yield name
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield from _names_in(inner)
        case ast.BoolOp(values=values):
            for one in values:
                yield from _names_in(one)


def _is_abstract(node: ast.AST) -> bool:
    """Tell whether a body ends by raising ``NotImplementedError``."""
    body: list[ast.stmt] = [] if isinstance(node, ast.Lambda) else getattr(node, "body", [])
    last = body[-1] if body else None
    return isinstance(last, ast.Raise) and "NotImplementedError" in ast.dump(last)


_STATEMENTS: dict[type[ast.stmt], Callable[[_Reader, Any], object]] = {
    ast.Expr: _Reader.expression,
    ast.Assert: lambda reader, node: reader.expr(node.test),
    ast.Assign: _Reader.assign,
    ast.AnnAssign: _Reader.annotated,
    ast.AugAssign: _Reader.augmented,
    ast.Return: _Reader.return_,
    ast.Raise: _Reader.raise_,
    ast.If: _Reader.if_,
    ast.For: _Reader.for_,
    ast.AsyncFor: _Reader.for_,
    ast.While: _Reader.while_,
    ast.Break: lambda reader, node: reader.body.leave(),
    ast.Continue: lambda reader, node: reader.body.leave(),
    ast.Try: _Reader.try_,
    ast.TryStar: _Reader.try_,
    ast.With: _Reader.with_,
    ast.AsyncWith: _Reader.with_,
    ast.Match: _Reader.match_,
    ast.Import: _Reader.import_,
    ast.ImportFrom: _Reader.import_,
    ast.FunctionDef: _Reader.define,
    ast.AsyncFunctionDef: _Reader.define,
    ast.ClassDef: _Reader.class_,
}
_EXPRESSIONS: dict[type[ast.AST], Callable[[_Reader, Any], Expr]] = {
    ast.Name: _Reader.name,
    ast.Constant: _Reader.constant,
    ast.Attribute: _Reader.attribute,
    ast.Call: _Reader.call,
    ast.List: _Reader.items,
    ast.Tuple: _Reader.items,
    ast.Set: _Reader.items,
    ast.Dict: _Reader.dict,
    ast.ListComp: _Reader.comprehension,
    ast.SetComp: _Reader.comprehension,
    ast.GeneratorExp: _Reader.comprehension,
    ast.DictComp: _Reader.comprehension,
    ast.BinOp: lambda reader, node: reader.operation(node.left, node.op, node.right),
    ast.Yield: _Reader.yield_,
    ast.YieldFrom: _Reader.yield_,
    ast.JoinedStr: _Reader.text,
    ast.Lambda: _Reader.lambda_,
    ast.IfExp: _Reader.condition,
    ast.NamedExpr: _Reader.walrus,
    ast.Await: lambda reader, node: ("w", reader.expr(node.value)),
    ast.Starred: lambda reader, node: ("*", reader.expr(node.value)),
    ast.BoolOp: lambda reader, node: ("o", reader.all(node.values)),
    ast.Subscript: lambda reader, node: ("s", reader.expr(node.value), reader.expr(node.slice)),
    ast.Slice: _Reader.slice,
}
