"""Who gives what and who refers to what, in a chain that is being built."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NoReturn

from .spec import Names

if TYPE_CHECKING:
    from .spec import Spec


class Ledger:
    """The names, outputs and references of the steps so far.

    Attributes:
        names: the names of the steps.
        makers: which step gives which output.
        overwrites: the outputs that may have been given before.
        wanted: which step refers to what nothing before it gives: inputs of the run, mostly.
    """

    __slots__ = ("makers", "names", "overwrites", "wanted")

    def __init__(self) -> None:
        self.names = Names()
        self.makers: dict[str, str] = {}
        self.overwrites: set[str] = set()
        self.wanted: dict[str, str] = {}

    def copy(self) -> Ledger:
        """Return an independent copy."""
        copied = Ledger()
        copied.names = self.names.copy()
        copied.makers = self.makers.copy()
        copied.overwrites = self.overwrites.copy()
        copied.wanted = self.wanted.copy()
        return copied

    def check(self, spec: Spec, name: str) -> None:
        """Refuse a new step whose output is given twice, or is referred to by an earlier step.

        Args:
            spec: the step.
            name: its name.

        Raises:
            ValueError: it is.
        """
        out = spec.out
        if out is not None and not spec.overwrite and (out in self.makers or out in self.wanted):
            self._refuse_output(out, name)

    def enter(self, spec: Spec, name: str, given: Collection[str]) -> None:
        """Write down a new step, which `check` has passed.

        Args:
            spec: the step.
            name: its name.
            given: the keys that `Chain.put` gives.
        """
        out, makers = spec.out, self.makers
        for _, parts in spec.wants:
            root = parts[0]
            if root not in makers and root != out and root not in given:
                self.wanted.setdefault(root, name)
        if out is not None:
            makers[out] = name
            if spec.overwrite:
                self.overwrites.add(out)
        self.names.taken.add(name)

    def merge(
        self, branches: Sequence[Ledger], own: Sequence[Collection[str]], given: Collection[str]
    ) -> None:
        """Write down what branches that run at once give and refer to, but for the names.

        Args:
            branches: what the branches have written down.
            own: the keys that each branch itself puts into its context.
            given: the keys that `Chain.put` gives.

        Raises:
            ValueError: an output is given twice, or one branch refers to another's, or an earlier
                step does.
        """
        makers: dict[str, str] = {}
        for branch in branches:
            # In sets, since nested branches pass on the same outputs at each level.
            new = branch.makers.keys() - branch.overwrites
            if not (
                makers.keys().isdisjoint(branch.makers)
                and self.makers.keys().isdisjoint(new)
                and self.wanted.keys().isdisjoint(new)
            ):
                self._refuse_twice(branch, makers)
            makers.update(branch.makers)
        for branch, values in zip(branches, own, strict=True):
            for root in [*branch.wanted.keys() - self.makers.keys()]:
                wanting = branch.wanted[root]
                if root in values or root in given:
                    continue
                if root in makers and root not in branch.makers:
                    raise ValueError(
                        f"step {wanting!r} refers to {root!r}, which step {makers[root]!r} gives "
                        f"in another branch at the same time; put it behind the parallel()"
                    )
                self.wanted.setdefault(root, wanting)
            self.overwrites |= branch.overwrites
        self.makers.update(makers)

    def _refuse_twice(self, branch: Ledger, makers: dict[str, str]) -> NoReturn:
        for out, maker in branch.makers.items():
            if out in makers:
                raise ValueError(
                    f"steps {makers[out]!r} and {maker!r} run at once and both give {out!r}; "
                    f"rename one output"
                )
            if out not in branch.overwrites and (out in self.makers or out in self.wanted):
                self._refuse_output(out, maker)
        raise AssertionError

    def _refuse_output(self, out: str, name: str) -> NoReturn:
        if out in self.makers:
            raise ValueError(
                f"steps {self.makers[out]!r} and {name!r} both give {out!r}; rename one "
                f"output, or pass overwrite=True"
            )
        raise ValueError(
            f"step {self.wanted[out]!r} refers to {out!r}, which step {name!r} gives only later; "
            f"put {name!r} before it, or pass overwrite=True where {out!r} is also an input of "
            f"the run"
        )
