"""The analysis pipeline: from file contents to facts."""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ._declarations import Declarations, Pair
from ._evaluate._engine import Engine
from ._evaluate._values import FunctionValue, Instance, forget_values
from ._findings._declared import faults_in, finding
from ._findings._durable import definition_of
from ._findings._ignores import find_ignores
from ._findings._since import calls_in
from ._hazards import hazards_in
from ._models import known_libraries
from ._models._headrace import Declared
from ._models._routing import Routing, mentions_settings
from ._models._tasks import Task, Tasks, signature_of, task_function
from ._report import DurableChain, Edge, Facts, Finding, Message, Place, Problem, Step
from ._shown._edges import Judge
from ._sources import UnreadableError, shown
from ._symbols._program import Program
from ._symbols._stored import StoredSyntax
from ._symbols._syntax import FileSyntax

_RECURSION_LIMIT = 10_000
_MAX_ROUNDS = 4


class Analysis(NamedTuple):
    """Result of analysing a program: its declarations, judged edges and findings."""

    engine: Engine
    declarations: Declarations
    edges: dict[Pair, Edge]
    faults: list[Finding]


def facts_in(
    paths: Sequence[str],
    contents: Mapping[str, bytes],
    problems: Sequence[Problem] = (),
    syntax: StoredSyntax | None = None,
    names: Collection[str] = (),
) -> Facts:
    """Analyse a source tree and return its facts.

    Args:
        paths: the files and folders to analyse.
        contents: the content of each file, by its absolute path.
        problems: the problems found so far.
        syntax: the syntax of files from a cache.
        names: further names of functions whose calls are evaluated.
    """
    found = [*problems]
    with analysis_runtime():
        analysis = analyse(paths, contents, found, syntax, names)
        engine, declarations, judged, faults = analysis
        edges = list(judged.values())
        return Facts(
            tuple([Step(one.flow, one.name, one.place) for one, *_ in declarations.steps.values()]),
            tuple(sorted(edges, key=lambda edge: (edge.flow, edge.target, edge.source))),
            (*faults, *hazards_in(engine)),
            (*_not_shown(edges, analysis), *_computed_declarations(declarations)),
            tuple(find_ignores({shown(path): content for path, content in contents.items()})),
            tuple(_messages(engine, contents)),
            tuple([
                DurableChain(name, Place(shown(module.path), line), tuple(definition_of(chain)))
                for name, (chain, module, line) in engine.fact(Declared).durable.items()
                if not module.is_test
            ]),
            "".join(sorted({*calls_in(engine)})) if edges else "",
            tuple(sorted(found)),
            len(contents),
        )


def analyse(
    paths: Sequence[str],
    contents: Mapping[str, bytes],
    problems: list[Problem],
    syntax: StoredSyntax | None = None,
    names: Collection[str] = (),
) -> Analysis:
    """Analyse a program; add files that do not parse to `problems`."""
    engine = evaluate(paths, contents, problems, syntax, names)
    declarations = Declarations(engine)
    edges = Judge(engine, declarations).judge()
    return Analysis(engine, declarations, edges, faults_in(engine, declarations, edges))


def evaluate(
    paths: Sequence[str],
    contents: Mapping[str, bytes],
    problems: list[Problem],
    syntax: StoredSyntax | None = None,
    names: Collection[str] = (),
    *,
    is_total: bool = False,
) -> Engine:
    """Evaluate a program; add files that do not parse to `problems`."""
    read = (syntax or StoredSyntax()).read

    def load(path: str) -> FileSyntax | None:
        try:
            return read(contents[path])
        except UnreadableError as error:
            problems.append(Problem(shown(path), error.line, error.message))
            return None

    forget_values()
    registry = known_libraries()
    registry.seeds.update(names)
    engine = Engine(Program(sorted(contents), paths, load), registry)
    _evaluate_modules(engine, is_total=is_total)
    for _ in range(_MAX_ROUNDS):
        _evaluate_flows(engine)
        engine.run_roots()
        for finish in engine.registry.finishing:
            finish(engine)
        engine.run_waiting()
    engine.order()
    return engine


def _evaluate_modules(engine: Engine, *, is_total: bool) -> None:
    """Evaluate all modules first, since functions use what modules register, then the functions.

    Test modules are skipped, unless they declare steps.
    """
    modules = engine.program.modules
    engine.run(modules, is_total=is_total)
    declaring = {function.module for function in engine.fact(Declared).functions}
    for module in modules:
        if is_total and (not module.is_test or module in declaring):
            engine.run_functions(module)


def _evaluate_flows(engine: Engine) -> None:
    """Evaluate the methods of flow classes, including inherited ones."""
    for cls in [*engine.fact(Declared).class_flows]:
        for method in engine.classes.methods_of(cls):
            engine.context(FunctionValue(method, Instance(cls, is_exact=True)))


@contextmanager
def analysis_runtime() -> Iterator[None]:
    """Raise the recursion limit for deeply nested code, and pause garbage collection for speed."""
    deepest, is_collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(deepest, _RECURSION_LIMIT))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(deepest)
        if is_collecting:
            # Move live objects to the oldest generation, or the next collection scans them.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


# --- facts ----------------------------------------------------------------------------------------


def _not_shown(edges: Sequence[Edge], analysis: Analysis) -> Iterator[Finding]:
    wrong = {one.about for one in analysis.faults}
    for edge in edges:
        if not edge.by and edge.id not in wrong:
            steps = analysis.declarations.steps[edge.flow, edge.target]
            step = next((one for one in steps if edge.source in one.sources), steps[0])
            message = f"the code does not show that {edge.source!r} runs before {edge.target!r}"
            yield finding("HR110", step, message, edge.source)


def _computed_declarations(declarations: Declarations) -> Iterator[Finding]:
    for function, what in declarations.unreadable:
        place = Place(shown(function.module.path), function.line)
        message = f"{what} is computed where {function.name!r} is declared"
        yield Finding("HR110", None, None, function.name, place, message)
    for one in declarations:
        if not one.is_readable:
            yield finding("HR110", one, f"what {one.name!r} is declared after is computed")


def _messages(engine: Engine, contents: Mapping[str, bytes]) -> Iterator[Message]:
    program = engine.program
    files = [path for path, content in contents.items() if mentions_settings(content)]
    routing = Routing([one for one in map(program.module, files) if one is not None])
    for task in dict.fromkeys(engine.fact(Tasks).by_name.values()):
        function = task_function(task)
        if not isinstance(task, Task) or function is None or function.module.is_test:
            continue
        default = [f"{name}.{function.name}" for name in program.names_of(function.module)]
        own = f"{function.module.name}.{function.name}"
        name = own if task.name in default else task.name
        yield Message(
            name,
            function.qualname,
            Place(shown(function.module.path), function.line),
            *signature_of(task, function),
            task.queue or routing.queue_of(name),
            task.serializer or routing.serializer,
        )
