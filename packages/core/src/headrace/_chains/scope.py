"""Names, outputs and references of the steps of a chain under construction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .step import Step


class StepNames:
    """The names of the steps of a chain.

    Args:
        taken: the names in use.
    """

    __slots__ = ("_numbers", "taken")

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.taken: set[str] = set(taken)
        # The last number appended to each name: a thousand steps of one function would otherwise
        # each search from 2.
        self._numbers: dict[str, int] = {}

    def copy(self) -> StepNames:
        """Return an independent copy."""
        copied = StepNames(self.taken)
        copied._numbers = self._numbers.copy()
        return copied

    def free(self, step: Step, *, numbers: bool = False) -> str:
        """Return the name of a new step: its preferred name, numbered if that is taken.

        Args:
            step: the step.
            numbers: whether to number a name given with ``name=`` too.

        Raises:
            ValueError: the name is taken and was given with ``name=``.
        """
        name = step.preferred_name
        if name not in self.taken:
            return name
        if step.given_name is not None and not numbers:
            raise ValueError(f"the chain has two steps named {name!r}; rename one")
        number = self._numbers.get(name, 1) + 1
        while f"{name}_{number}" in self.taken:
            number += 1
        self._numbers[name] = number
        return f"{name}_{number}"


class Scope:
    """The names, outputs and references of the steps so far.

    Attributes:
        names: the names of the steps.
        outputs: the step that writes each key.
        overwrites: the outputs that may replace an earlier value.
        open: the keys that no earlier step writes, mostly inputs, each with the first step that
            refers to it.
    """

    __slots__ = ("names", "open", "outputs", "overwrites")

    def __init__(self) -> None:
        self.names: StepNames = StepNames()
        self.outputs: dict[str, str] = {}
        self.overwrites: set[str] = set()
        self.open: dict[str, str] = {}

    def copy(self) -> Scope:
        """Return an independent copy."""
        copied = Scope()
        copied.names = self.names.copy()
        copied.outputs = self.outputs.copy()
        copied.overwrites = self.overwrites.copy()
        copied.open = self.open.copy()
        return copied

    def check(self, step: Step, name: str) -> None:
        """Reject a new step whose output already exists or is referred to by an earlier step.

        Args:
            step: the step.
            name: its name.

        Raises:
            ValueError: the key is already an output, or an earlier step refers to it.
        """
        out = step.out
        if out is not None and not step.overwrite and (out in self.outputs or out in self.open):
            self._refuse_output(out, name)

    def enter(self, step: Step, name: str, given: Collection[str]) -> None:
        """Add a new step that has passed `check`.

        Args:
            step: the step.
            name: its name.
            given: the keys set by `Chain.put`.
        """
        out, outputs = step.out, self.outputs
        for _, path in step.references:
            root = path[0]
            if root not in outputs and root != out and root not in given:
                self.open.setdefault(root, name)
        if out is not None:
            outputs[out] = name
            if step.overwrite:
                self.overwrites.add(out)
        self.names.taken.add(name)

    def merge(
        self, branches: Sequence[tuple[Scope, Collection[str]]], given: Collection[str]
    ) -> None:
        """Add the outputs and references of concurrent branches, but not their names.

        Args:
            branches: the scope of each branch, and the keys set by its own `put` calls.
            given: the keys set by `Chain.put`.

        Raises:
            ValueError: two steps write the same key, or a step refers to a key that a concurrent
                or later step writes.
        """
        outputs: dict[str, str] = {}
        for branch, _ in branches:
            # Set operations, since each level of nested branches repeats the same outputs.
            new = branch.outputs.keys() - branch.overwrites
            if not (
                outputs.keys().isdisjoint(branch.outputs)
                and self.outputs.keys().isdisjoint(new)
                and self.open.keys().isdisjoint(new)
            ):
                self._refuse_twice(branch, outputs)
            outputs.update(branch.outputs)
        for branch, values in branches:
            for root in [*branch.open.keys() - self.outputs.keys()]:
                user = branch.open[root]
                if root in values or root in given:
                    continue
                if root in outputs and root not in branch.outputs:
                    raise ValueError(
                        f"step {user!r} refers to {root!r}, which step {outputs[root]!r} writes "
                        f"in a concurrent branch; move {user!r} after the parallel()"
                    )
                self.open.setdefault(root, user)
            self.overwrites |= branch.overwrites
        self.outputs.update(outputs)

    def _refuse_twice(self, branch: Scope, outputs: dict[str, str]) -> NoReturn:
        out = next(
            out
            for out in branch.outputs
            if out in outputs
            or (out not in branch.overwrites and (out in self.outputs or out in self.open))
        )
        step = branch.outputs[out]
        if out not in outputs:
            self._refuse_output(out, step)
        raise ValueError(
            f"steps {outputs[out]!r} and {step!r} run concurrently and both write {out!r}; rename "
            f"one output"
        )

    def _refuse_output(self, out: str, name: str) -> NoReturn:
        if out in self.outputs:
            raise ValueError(
                f"steps {self.outputs[out]!r} and {name!r} both write {out!r}; rename one "
                f"output, or pass overwrite=True"
            )
        raise ValueError(
            f"step {self.open[out]!r} refers to {out!r}, which step {name!r} writes later; "
            f"move {name!r} before it, or pass overwrite=True if {out!r} is also an input of the "
            f"run"
        )


def names_clash(scopes: Sequence[Scope]) -> bool:
    """Return whether steps in two of the scopes have the same name."""
    taken = [scope.names.taken for scope in scopes]
    return len(set[str]().union(*taken)) < sum(map(len, taken))
