"""From the contents of files to facts."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ._facts import Facts, Message
from ._findings._functions import finding
from ._findings._ignores import find_ignores
from ._findings._messages import signature_of
from ._findings._since import calls_in
from ._hazards import hazards_in
from ._models._routing import Routing, mentions_settings
from ._models._tasks import task_function, tasks_in
from ._pipeline import Analysis, analyse
from ._report import Edge, Finding, Place, Problem, Step
from ._shown._edges import Judged
from ._source._discovery import shown
from ._source._reading import UnreadableError, parse

_DEEPEST = 10_000


def facts_in(
    paths: Sequence[str], contents: Mapping[str, bytes], problems: Sequence[Problem]
) -> tuple[Facts, Analysis]:
    """Return what is known of a tree, and the analysis that it comes from.

    Args:
        paths: the files and folders that were asked for.
        contents: the content of each file, by its absolute path.
        problems: what is wrong already.
    """
    found = list(problems)
    with undisturbed():
        analysis = analyse_contents(paths, contents, found)
        return _Telling(analysis, contents, found).all(), analysis


def analyse_contents(
    paths: Sequence[str], contents: Mapping[str, bytes], problems: list[Problem]
) -> Analysis:
    """Return the analysis of files, and add those that do not parse to `problems`."""

    def load(path: str) -> ast.Module | None:
        try:
            return parse(contents[path])
        except UnreadableError as error:
            problems.append(Problem(shown(path), error.line, error.message))
            return None

    return analyse(sorted(contents), paths, load)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let deep code be followed, and spend no time on looking for garbage in trees."""
    deepest, is_collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(deepest, _DEEPEST))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(deepest)
        if is_collecting:
            # All that was made counts as old, or it would be gone through at once.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


class _Telling:
    """Turns what an analysis found into plain data."""

    def __init__(
        self, analysis: Analysis, contents: Mapping[str, bytes], problems: Sequence[Problem]
    ) -> None:
        self._analysis = analysis
        self._engine = analysis.engine
        self._contents = contents
        self._problems = problems

    def all(self) -> Facts:
        """Return everything."""
        steps = [
            Step(one.flow, one.name, Place(shown(one.path), one.line))
            for one, *_ in self._analysis.declarations.steps.values()
        ]
        edges = [self._edge(judged) for judged in self._analysis.edges]
        contents = {shown(path): content for path, content in self._contents.items()}
        return Facts(
            tuple(steps),
            tuple(sorted(edges, key=lambda edge: (edge.flow, edge.target, edge.source))),
            (*self._analysis.faults, *hazards_in(self._engine)),
            (*self._not_shown(edges), *self._computed()),
            tuple(find_ignores(contents)),
            tuple(self._messages()),
            "".join(sorted({*calls_in(self._engine)})) if edges else "",
            tuple(sorted(self._problems)),
            len(self._contents),
        )

    def _not_shown(self, edges: Sequence[Edge]) -> Iterator[Finding]:
        wrong = {one.about for one in self._analysis.faults}
        for edge in edges:
            if not edge.by and edge.id not in wrong:
                target = self._analysis.declarations.steps[edge.flow, edge.target]
                step = next((one for one in target if edge.source in one.sources), target[0])
                message = f"the code does not show that {edge.source!r} runs before {edge.target!r}"
                yield finding("HR110", step, message, edge.source)

    def _computed(self) -> Iterator[Finding]:
        for function, what in self._analysis.declarations.unreadable:
            place = Place(shown(function.module.path), function.node.lineno)
            message = f"{what} is computed where {function.name!r} is declared"
            yield Finding("HR110", None, None, function.name, place, message)
        for steps in self._analysis.declarations.steps.values():
            for one in steps:
                if not one.is_readable:
                    yield finding("HR110", one, f"what {one.name!r} is declared after is computed")

    def _messages(self) -> Iterator[Message]:
        program = self._engine.program
        files = [path for path, content in self._contents.items() if mentions_settings(content)]
        routing = Routing([one.tree for one in map(program.module, files) if one is not None])
        for task in dict.fromkeys(tasks_in(self._engine).by_name.values()):
            function = task_function(task)
            if function is None or function.module.is_test:
                continue
            default = [f"{name}.{function.name}" for name in program.names_of(function.module)]
            own = f"{function.module.name}.{function.name}"
            name = own if task.name in default else task.name
            yield Message(
                name,
                function.qualname,
                Place(shown(function.module.path), function.node.lineno),
                *signature_of(task, function),
                task.queue or routing.queue_of(name),
                task.serializer or routing.serializer,
            )

    def _edge(self, judged: Judged) -> Edge:
        (flow, target), evidence = judged.edge.target, judged.evidence
        source_flow, name = judged.edge.source
        about = (flow, name if source_flow == flow else f"{source_flow}.{name}", target)
        if evidence is None:
            steps = self._analysis.declarations.steps[flow, target]
            return Edge(*about, "enqueue" if steps[0].kind == "task" else "call")
        return Edge(*about, evidence.kind, ("code",), evidence.links, evidence.pivot)
