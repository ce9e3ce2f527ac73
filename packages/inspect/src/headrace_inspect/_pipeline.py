"""The analysis pipeline: from file contents to facts."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ._declarations._reading import read_declarations
from ._declarations._steps import Declarations
from ._evaluate._engine import Engine
from ._evaluate._values import FunctionValue, Instance, forget_values
from ._findings._declared import faults_in
from ._findings._durable import definition_of
from ._findings._functions import finding
from ._findings._ignores import find_ignores
from ._findings._messages import signature_of
from ._findings._since import calls_in
from ._hazards import hazards_in
from ._models import known_libraries
from ._models._headrace import chain_context, declared_in
from ._models._routing import Routing, mentions_settings
from ._models._tasks import Task, task_function, tasks_in
from ._report import DurableChain, Edge, Facts, Finding, Message, Place, Problem, Step
from ._shown._edges import Judge, Judged
from ._source._discovery import shown
from ._source._reading import UnreadableError, parse
from ._symbols._program import Program
from ._symbols._reader import syntax_of
from ._symbols._syntax import FileSyntax

_RECURSION_LIMIT = 10_000
_MAX_ROUNDS = 4


class Analysis(NamedTuple):
    """Result of analysing a program: its declarations, judged edges and findings."""

    engine: Engine
    declarations: Declarations
    edges: list[Judged]
    faults: list[Finding]


def facts_in(
    paths: Sequence[str], contents: Mapping[str, bytes], problems: Sequence[Problem] = ()
) -> Facts:
    """Analyse a source tree and return its facts.

    Args:
        paths: the files and folders to analyse.
        contents: the content of each file, by its absolute path.
        problems: the problems found so far.
    """
    found = [*problems]
    with analysis_runtime():
        analysis = analyse(paths, contents, found)
        engine, declarations, judged, faults = analysis
        edges = [_edge(one, declarations) for one in judged]
        return Facts(
            tuple([
                Step(one.flow, one.name, Place(shown(one.path), one.line))
                for one, *_ in declarations.steps.values()
            ]),
            tuple(sorted(edges, key=lambda edge: (edge.flow, edge.target, edge.source))),
            (*faults, *hazards_in(engine)),
            (*_not_shown(edges, analysis), *_computed_declarations(declarations)),
            tuple(find_ignores({shown(path): content for path, content in contents.items()})),
            tuple(_messages(engine, contents)),
            tuple([
                DurableChain(name, Place(shown(module.path), line), tuple(definition_of(chain)))
                for name, (chain, module, line) in declared_in(engine).durable.items()
                if not module.is_test
            ]),
            "".join(sorted({*calls_in(engine)})) if edges else "",
            tuple(sorted(found)),
            len(contents),
        )


def analyse(
    paths: Sequence[str], contents: Mapping[str, bytes], problems: list[Problem]
) -> Analysis:
    """Analyse a program; add files that do not parse to `problems`."""
    engine = evaluate(paths, contents, problems)
    declarations = read_declarations(engine)
    edges = Judge(engine, declarations).judge()
    is_shown = {one.edge for one in edges if one.evidence is not None}.__contains__
    return Analysis(engine, declarations, edges, faults_in(engine, declarations, is_shown))


def evaluate(
    paths: Sequence[str], contents: Mapping[str, bytes], problems: list[Problem]
) -> Engine:
    """Evaluate a program; add files that do not parse to `problems`."""

    def load(path: str) -> FileSyntax | None:
        try:
            return syntax_of(parse(contents[path]))
        except UnreadableError as error:
            problems.append(Problem(shown(path), error.line, error.message))
            return None

    forget_values()
    engine = Engine(Program(sorted(contents), paths, load), known_libraries())
    _evaluate_modules(engine)
    for _ in range(_MAX_ROUNDS):
        _evaluate_flows(engine)
        engine.run_roots()
        for finish in engine.registry.finishing:
            finish(engine)
    return engine


def _evaluate_modules(engine: Engine) -> None:
    """Evaluate all modules first, since functions use what modules register, then the functions.

    Test modules are skipped, unless they declare steps.
    """
    modules = engine.program.modules
    for module in modules:
        engine.run_module(module)
    declaring = {function.module for function in declared_in(engine).functions}
    for module in modules:
        if not module.is_test or module in declaring:
            engine.run_functions(module)


def _evaluate_flows(engine: Engine) -> None:
    """Evaluate chains and the methods of flow classes, including inherited ones."""
    for cls in [*declared_in(engine).class_flows]:
        for method in engine.classes.methods_of(cls):
            engine.context(FunctionValue(method, Instance(cls, is_exact=True)))
    for chain in [one for one in declared_in(engine).chains.values() if one.flow is not None]:
        chain_context(engine, chain)


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


def _edge(judged: Judged, declarations: Declarations) -> Edge:
    (flow, target), evidence = judged.edge.target, judged.evidence
    source_flow, name = judged.edge.source
    about = (flow, name if source_flow == flow else f"{source_flow}.{name}", target)
    if evidence is None:
        is_task = declarations.steps[flow, target][0].kind == "task"
        return Edge(*about, "enqueue" if is_task else "call")
    return Edge(*about, evidence.kind, ("code",), evidence.links, evidence.pivot)


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
    for one in [step for steps in declarations.steps.values() for step in steps]:
        if not one.is_readable:
            yield finding("HR110", one, f"what {one.name!r} is declared after is computed")


def _messages(engine: Engine, contents: Mapping[str, bytes]) -> Iterator[Message]:
    program = engine.program
    files = [path for path, content in contents.items() if mentions_settings(content)]
    routing = Routing([one for one in map(program.module, files) if one is not None])
    for task in dict.fromkeys(tasks_in(engine).by_name.values()):
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
