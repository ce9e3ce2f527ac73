"""The check from files to verdicts, step by step."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._declarations._reading import read_declarations
from ._declarations._steps import Declarations
from ._evaluate._engine import Engine
from ._evaluate._values import FunctionValue, Instance, forget_values
from ._findings._declared import faults_in
from ._models import known_libraries
from ._models._classes import methods_of
from ._models._headrace import Declared, chain_context, declared_in
from ._report import Finding
from ._shown._edges import Judge, Judged
from ._symbols._program import Program

_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a program: what it declares, which edges are shown, what is wrong."""

    engine: Engine
    declarations: Declarations
    edges: list[Judged]
    faults: list[Finding]


def analyse(
    files: Sequence[str], roots: Sequence[str], load: Callable[[str], ast.Module | None]
) -> Analysis:
    """Return what the source declares, and which edges it shows.

    Args:
        files: absolute paths.
        roots: the files and folders that were asked for.
        load: returns the syntax tree of a file, or None if it does not parse.
    """
    forget_values()
    engine = Engine(Program(files, roots, load), known_libraries())
    run_everything(engine)
    declarations = read_declarations(engine)
    edges = Judge(engine, declarations).judge()
    shown = {one.edge for one in edges if one.evidence is not None}
    return Analysis(
        engine, declarations, edges, faults_in(engine, declarations, shown.__contains__)
    )


def run_everything(engine: Engine) -> None:
    """Run modules first, since they register what functions use; then functions; then the rest.

    The functions of tests are no part of the program, unless some are declared to be steps.
    """
    modules = [module for path in engine.program.files if (module := engine.program.module(path))]
    for module in modules:
        engine.run_module(module)
    declaring = {function.module for function in declared_in(engine).functions}
    for module in modules:
        if not module.is_test or module in declaring:
            engine.run_functions(module)
    for _ in range(_ROUNDS):
        run_flows(engine, declared_in(engine))
        engine.run_roots()
        for finish in engine.registry.finishing:
            finish(engine)


def run_flows(engine: Engine, declared: Declared) -> None:
    """Run the methods of flow classes, inherited ones included, and the chains."""
    for cls in list(declared.class_flows):
        for method in methods_of(engine, cls):
            engine.context(FunctionValue(method, Instance(cls, is_exact=True)))
    for chain in [one for one in declared.chains.values() if one.flow is not None]:
        chain_context(engine, chain)
