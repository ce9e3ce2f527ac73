"""Runs the demo as a user does: as a process of its own, with a temporary folder of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
ORDERS = """\
{"number": "T-1", "article": "mug", "quantity": 2}
{"number": "T-2", "article": "samovar", "quantity": 1}
{"number": "T-3", "article": "teaspon", "quantity": 1}
{"number": "T-4", "article": "mug"
{"number": "T-5", "article": "honey", "quantity": 1, "carrier_failures": 2}
{"number": "T-6", "article": "honey", "quantity": 0}
"""


def load(name: str) -> ModuleType:
    """One module of the demo under a name that collides with nothing."""
    spec = importlib.util.spec_from_file_location(f"shop_demo_{name}", SHOP / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def copy(folder: Path) -> Path:
    """Return the copy of the demo in `folder`, made if need be, where it also keeps its logs."""
    shop = folder / "examples" / "shop"
    return shop if shop.exists() else shutil.copytree(SHOP, shop)


def kept_logs(folder: Path) -> Path:
    """Return where a copy of the demo in `folder` keeps its logs."""
    return folder / "build" / "shop" / "logs"


def start(*arguments: object, tmp: Path, shop: Path | None = None, **variables: str) -> Any:
    """Start the demo, by default a copy beside `tmp`.

    `tmp` is its temporary folder, and shows in its children's environment.
    """
    broker = {"HEADRACE_DEMO_BROKER": ""}
    return subprocess.Popen(
        [sys.executable, (shop or copy(tmp.parent)) / "demo.py", *map(str, arguments)],
        env=os.environ | broker | {"TMPDIR": str(tmp), "COLUMNS": "120"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def run(
    *arguments: object, tmp: Path, shop: Path | None = None, **variables: str
) -> tuple[int, str, str]:
    """Run the demo to its end: exit status, standard output, standard error."""
    with start(*arguments, tmp=tmp, shop=shop, **variables) as process:
        try:
            out, err = process.communicate(timeout=600)
        finally:
            process.kill()
    return process.returncode, out, err


def survivors(tmp: Path) -> list[str]:
    """The command lines of living processes whose environment names `tmp`. Linux."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:  # ended meanwhile, or another user's
            continue
        if str(tmp).encode() in environment:
            found.append(command)
    return found
