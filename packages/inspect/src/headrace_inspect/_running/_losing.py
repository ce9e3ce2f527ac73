"""Instances that are lost sight of in something of a library, and found there again by a method."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._values import Instance, Result, Value

from ._classes import frameworks_of
from ._giving import classes_in
from ._hooks import super_in
from ._nodes import Hub
from ._trees import Run

if TYPE_CHECKING:
    import ast

    from ._engine import Engine
    from ._exposure import Given
    from ._frame import Frame


def lose(frame: Frame, owner: Value, value: Value) -> None:
    """Note that `value` is put into `owner`, from where code that is not seen may give it back."""
    if frame.is_recorded and not (isinstance(owner, Instance) and _is_ours(frame.engine, owner)):
        for cls in classes_in(frame.engine.resolve(value)):
            frame.lose_class(cls)


def _is_ours(engine: Engine, owner: Instance) -> bool:
    return not frameworks_of(engine, owner.cls)


def find_lost(frame: Frame, name: str, node: ast.AST) -> None:
    """Let the method or attribute `name` of something of a library be one of ours, possibly.

    Args:
        frame: where it is called or read.
        name: its dotted name.
        node: by what.
    """
    if super_in(node) is not None:
        return
    last = name.rpartition(".")[2]
    is_kept = _KEEPING.search(name) is not None
    if is_kept and last not in _OF_MAPPINGS and last in frame.engine.relevant:
        frame.maybe(Hub("name", last), node)
    elif is_kept or (_OBJECT.search(name) and last in frame.engine.relevant):
        how = "lost model" if _MODELS.search(name) else "lost"
        frame.maybe(Hub(how, last), node)


def lost_methods(engine: Engine, hub: Hub) -> Iterator[Function]:
    """Yield the functions that `hub` chooses from: methods of classes that were lost sight of."""
    for function in engine.relevant.get(hub.name, ()):
        if is_lost(engine, hub, function):
            yield function


def is_lost(engine: Engine, hub: Hub, function: Function) -> bool:
    """Tell whether `function` is the method of an instance that `hub` may find."""
    owner = function.owner
    return owner is not None and (
        owner in _lost(engine) or (hub.how == "lost model" and _has_model(engine, owner))
    )


def _lost(engine: Engine) -> set[Class]:
    """Return the classes of which an instance was lost sight of, with those they inherit from."""
    exposure = engine.exposure
    new = [cls for _, cls in islice(exposure.lost, exposure.lost_read[0], None)]
    for given in islice(exposure.escaped, exposure.lost_read[1], None):
        if given.place == "library":
            new += _returned(engine, given)
    exposure.lost_read = (len(exposure.lost), len(exposure.escaped))
    for cls in new:
        if cls not in exposure.found_again:
            exposure.found_again.update(one for one in engine.mro(cls) if isinstance(one, Class))
    return exposure.found_again


def _returned(engine: Engine, given: Given) -> list[Class]:
    """Return the classes of what a function returns that a library was given."""
    if not isinstance(given.tree, Run):
        return []
    return classes_in(engine.resolve(Result(given.tree.node)))


def _has_model(engine: Engine, owner: Class) -> bool:
    """Tell whether `owner` is a model, or a base of one."""
    return any(
        isinstance(base, str) and base.startswith("django.")
        for heir in (owner, *engine.heirs(owner))
        for base in engine.mro(heir)
    )


# Something of a library that is no function of one of its modules.
_OBJECT = re.compile(r"\(\)|^\w+\.\w+\.\w+\.")
# Objects that applications keep things in.
_KEEPING = re.compile(r"^flask\.(g|current_app)\.|\.(state|extensions)\.|Request\(\)\.\w+\.")
_OF_MAPPINGS = frozenset(["clear", "get", "items", "keys", "pop", "setdefault", "update", "values"])
# Where models come from that are not named.
_MODELS = re.compile(r"^django\.(contrib\.auth|apps)\.|^django\..*Request\(\)\.")
