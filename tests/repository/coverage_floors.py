"""Check how much of each package is covered: ``python -m tests.repository.coverage_floors``.

It reads what ``coverage run`` has left in the current folder. The floor of a package, in percent of
lines and branches, is ``fail_under`` in ``[tool.coverage.report]`` of its pyproject.toml; without
one its figure is printed and not checked.
"""

from __future__ import annotations

import io
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import coverage
from coverage.exceptions import NoDataError


def floor_of(package: Path) -> float:
    """Return the percentage of the folder `package` that must be covered; 0 if it names none."""
    tools = tomllib.loads((package / "pyproject.toml").read_text("utf-8")).get("tool", {})
    return float(tools.get("coverage", {}).get("report", {}).get("fail_under", 0))


def unreachable() -> list[str]:
    """Return the files whose framework is too new for the Python at hand."""
    has_tasks = find_spec("django") is not None and find_spec("django.tasks") is not None
    return [] if has_tasks else ["packages/django/src/headrace_django/_task_backend.py"]


def is_covered(data: coverage.Coverage, package: Path) -> bool:
    """Tell whether enough of the folder `package` is covered; if not, print the missing lines."""
    name, floor, table = package.name, floor_of(package), io.StringIO()
    try:
        covered = data.report(
            include=[f"packages/{name}/*"], omit=unreachable(), show_missing=True, file=table
        )
    except NoDataError as error:
        covered = 0.0
        table.write(f"all of them: {error}")
    verdict = f"packages/{name}: {covered:.2f} % covered, of at least {floor:g} %"
    if covered >= floor:
        sys.stdout.write(f"{verdict}\n")
        return True
    sys.stdout.write(f"\n{verdict}: TOO LITTLE. Missing are:\n{table.getvalue()}\n")
    return False


def main() -> int:
    """Check the packages below the current folder; return the exit status."""
    data = coverage.Coverage()
    data.load()
    packages = sorted(path.parent for path in Path.cwd().glob("packages/*/pyproject.toml"))
    short = [package.name for package in packages if not is_covered(data, package)]
    if short:
        sys.stdout.write(f"not enough is covered of {', '.join(short)}: see above\n")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
