"""From the contents of files to facts."""

from __future__ import annotations

import ast
import gc
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ._declarations._steps import DeclaredStep
from ._evaluate._values import FunctionValue
from ._facts import Facts, Message
from ._findings._ignores import find_ignores
from ._findings._messages import parameters_of
from ._findings._since import calls_in
from ._hazards._finding import Hazard, is_test
from ._hazards._judging import hazards_in
from ._models._routing import Routing, mentions_settings
from ._models._tasks import task_function, tasks_in
from ._pipeline import Analysis, analyse
from ._report import Edge, Finding, Link, Place, Problem, Step
from ._shown._edges import Judged
from ._shown._evidence import Link as Call
from ._source._discovery import shown
from ._source._lines import line_of, lines_of
from ._source._reading import UnreadableError, parse
from ._symbols._entities import Function

_DEEPEST = 10_000
_LONGEST = 60
_definition = re.compile(r"\bdef\s+(\w+)")


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


def linking(analysis: Analysis, contents: Mapping[str, bytes]) -> Callable[[Call], Link]:
    """Return what turns the calls of evidence into plain data."""
    return _Telling(analysis, contents, ()).link


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
        self._contents = contents
        self._problems = problems
        self._lines: dict[str, list[str]] = {}
        self._calls: dict[str, dict[int, list[ast.Call]]] = {}

    def all(self) -> Facts:
        """Return everything."""
        declared = self._analysis.declarations
        steps = [self._step(steps[0]) for steps in declared.steps.values()]
        faults = [
            self._finding(self._step(fault.step), fault.code, fault.message, fault.source)
            for fault in self._analysis.faults
        ]
        edges = [self._edge(judged) for judged in self._analysis.edges]
        contents = {shown(path): content for path, content in self._contents.items()}
        return Facts(
            tuple(steps),
            tuple(sorted(edges, key=lambda edge: (edge.flow, edge.target, edge.source))),
            (*faults, *map(self._hazard, hazards_in(self._analysis.engine))),
            (*self._not_shown(), *self._computed()),
            tuple(find_ignores(contents)),
            tuple(self._messages()),
            "".join(sorted({*calls_in(self._analysis.engine)})) if edges else "",
            tuple(sorted(self._problems)),
            len(self._contents),
        )

    def _not_shown(self) -> list[Finding]:
        declared = self._analysis.declarations
        wrong = {
            (fault.step.flow, fault.source, fault.step.name) for fault in self._analysis.faults
        }
        found = []
        for judged in self._analysis.edges:
            edge = self._edge(judged)
            if not edge.by and (edge.flow, edge.source, edge.target) not in wrong:
                target = declared.steps[judged.edge.target]
                step = next((one for one in target if edge.source in one.sources), target[0])
                message = f"the code does not show that {edge.source!r} runs before {edge.target!r}"
                found.append(self._finding(self._step(step), "HR110", message, edge.source))
        return found

    def _computed(self) -> list[Finding]:
        found = []
        for function, what in self._analysis.declarations.unreadable:
            step = self._step_at("", function.name, function)
            message = f"{what} is computed where {function.name!r} is declared"
            found.append(replace(self._finding(step, "HR110", message), flow=None))
        for steps in self._analysis.declarations.steps.values():
            for one in steps:
                if not one.is_readable:
                    message = f"what {one.name!r} is declared after is computed"
                    found.append(self._finding(self._step(one), "HR110", message))
        return found

    def _hazard(self, hazard: Hazard) -> Finding:
        text = self._line(hazard.path, hazard.line)
        place, column = Place(shown(hazard.path), hazard.line), len(text) - len(text.lstrip()) + 1
        links = tuple(map(self.link, hazard.evidence))
        about = (hazard.code, None, None, None, place, hazard.message, links)
        return Finding(*about, column, len(text.strip()) or 1, text)

    def _messages(self) -> Iterator[Message]:
        engine = self._analysis.engine
        files = [path for path, content in self._contents.items() if mentions_settings(content)]
        modules = [engine.program.module(path) for path in files]
        routing = Routing([module.tree for module in modules if module is not None])
        for task in dict.fromkeys(tasks_in(engine).by_name.values()):
            function = task_function(task)
            if function is None or is_test(function.module):
                continue
            module = function.module
            default = [f"{name}.{function.name}" for name in engine.program.names_of(module)]
            is_named = task.name not in default
            name = task.name if is_named else f"{module.name}.{function.name}"
            inner = task.inner
            is_method = isinstance(inner, FunctionValue) and inner.receiver is not None
            yield Message(
                name,
                function.qualname,
                self._step_at("", name, function),
                *parameters_of(function.node.args, task.is_bound + is_method),
                task.queue or routing.queue_of(name),
                task.serializer or routing.serializer,
            )

    def _edge(self, judged: Judged) -> Edge:
        (flow, target), evidence = judged.edge.target, judged.evidence
        source_flow, name = judged.edge.source
        source = name if source_flow == flow else f"{source_flow}.{name}"
        if evidence is None:
            steps = self._analysis.declarations.steps[flow, target]
            is_task = any(step.kind == "task" for step in steps)
            return Edge(flow, source, target, "enqueue" if is_task else "call")
        links = tuple([self.link(call) for call in evidence.links])
        return Edge(flow, source, target, evidence.kind, ("code",), links, evidence.pivot)

    # --- places -----------------------------------------------------------------------------------

    def _finding(self, step: Step, code: str, message: str, source: str | None = None) -> Finding:
        about = (code, step.flow, source, step.name, step.place, message)
        return Finding(*about, (), step.column, step.width, step.text)

    def _step(self, step: DeclaredStep) -> Step:
        text = self._line(step.path, step.line)
        place = Place(shown(step.path), step.line)
        span = _span(text, step.column, step.width, is_definition=step.kind != "chain")
        return Step(step.flow, step.name, place, *span, text)

    def _step_at(self, flow: str, name: str, function: Function) -> Step:
        path, node = function.module.path, function.node
        text = self._line(path, node.lineno)
        span = _span(text, node.col_offset + 1, len(function.name), is_definition=True)
        return Step(flow, name, Place(shown(path), node.lineno), *span, text)

    def _line(self, path: str, number: int) -> str:
        if path not in self._lines:
            self._lines[path] = lines_of(self._contents.get(path, b""))
        return line_of(self._lines[path], number)

    def link(self, call: Call) -> Link:
        """Return a call of evidence as plain data."""
        place = Place(shown(call.path), call.line)
        return Link(place, self._text(call), call.kind, call.scope, call.target)

    def _text(self, call: Call) -> str:
        if call.path not in self._calls:
            self._calls[call.path] = self._calls_in(call.path)
        name = call.target.rpartition(".")[2]
        nodes = self._calls[call.path].get(call.line, [])
        texts = [_without_arguments(one) for one in nodes]
        named = [text for text in texts if re.search(rf"\b{re.escape(name)}\b", text)]
        text = (named or texts or [self._line(call.path, call.line).strip()])[0]
        return text if len(text) <= _LONGEST else f"...{text[3 - _LONGEST :]}"

    def _calls_in(self, path: str) -> dict[int, list[ast.Call]]:
        found: dict[int, list[ast.Call]] = {}
        module = self._analysis.engine.program.module(path)
        for node in ast.walk(module.tree) if module else ():
            if isinstance(node, ast.Call):
                found.setdefault(node.lineno, []).append(node)
        return found


def _without_arguments(call: ast.Call) -> str:
    return ast.unparse(call.func) + ("(...)" if call.args or call.keywords else "()")


def _span(text: str, column: int, width: int, *, is_definition: bool) -> tuple[int, int]:
    """Return the column and width in characters: of the name in a definition, else as given.

    Syntax trees count bytes, and do not say where a function's name is.
    """
    found = _definition.search(text) if is_definition else None
    if found:
        return found.start(1) + 1, found.end(1) - found.start(1)
    before = text.encode("utf-8", "surrogatepass")[: column - 1]
    return len(before.decode("utf-8", "replace")) + 1, width
