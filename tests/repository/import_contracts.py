"""Check which module imports which: ``python -m tests.repository.import_contracts [FILE...]``.

Each of the contracts, ``packages/imports.ini`` and ``packages/*/imports.ini``, is checked twice: as
it stands, with every import; and at run time, where neither imports under ``if TYPE_CHECKING:`` nor
exceptions (``ignore_imports``) count.
"""

from __future__ import annotations

import configparser
import sys
import tempfile
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]


def at_run_time(contracts: Path, target: Path) -> None:
    """Write to `target` what is left of the file `contracts` at run time."""
    config = configparser.ConfigParser()
    config.read(contracts, "utf-8")
    config["importlinter"]["exclude_type_checking_imports"] = "True"
    for section in config.sections():
        config.remove_option(section, "ignore_imports")
    with target.open("w", encoding="utf-8") as file:
        config.write(file)


def is_kept(contracts: Path) -> bool:
    """Tell whether the file `contracts` is kept, and print what breaks it."""
    with tempfile.TemporaryDirectory() as folder:
        run_time = Path(folder, "imports.ini")
        at_run_time(contracts, run_time)
        sys.stdout.write(f"\n# {contracts}: all imports\n")
        types = lint_imports(str(contracts), no_cache=True, no_logo=True)
        sys.stdout.write(f"\n# {contracts}: run time\n")
        return not types | lint_imports(str(run_time), no_cache=True, no_logo=True)


def main(files: list[Path]) -> int:
    """Check `files`, all by default, against the packages beside them; return the exit status."""
    files = files or sorted(ROOT.glob("packages/**/imports.ini"))
    packages = next(each for each in files[0].resolve().parents if each.name == "packages")
    # Ahead of what is installed.
    sys.path[:0] = [str(source) for source in sorted(packages.glob("*/src"))]
    broken = [contracts for contracts in files if not is_kept(contracts)]
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main([Path(word) for word in sys.argv[1:]]))
