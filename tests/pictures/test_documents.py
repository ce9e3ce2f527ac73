"""The pictures in the documentation, and the recipes for Sphinx and MkDocs, as they stand there."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from headrace._flows import registry

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "pictures.md"

FLOWS = '''\
from headrace import flow

orders = flow("orders")

@orders.entrypoint
def receive():
    """Take an order."""

@orders.step(after=receive)
def ship():
    """Send it off."""
'''


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python module as a process, in `cwd`."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"},
    )


def test_pictures_of_the_documentation_are_current() -> None:
    """What stands in docs/pictures is what the library draws now, to the byte."""
    done = run("docs/pictures/draw.py", "--check", cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, ""), "run docs/pictures/draw.py"
    pictures = {path.name for path in (ROOT / "docs" / "pictures").glob("*.*ml")} | {
        path.name for path in (ROOT / "docs" / "pictures").glob("*.svg")
    }
    assert pictures == {"imports.svg", "layers.svg", "map.html", "map.svg", "order.svg"}


def sphinx_project(folder: Path, text: str) -> Path:
    """Write a Sphinx project with one page."""
    (folder / "shop.py").write_text(FLOWS, "utf-8")
    (folder / "conf.py").write_text(
        "import sys\nsys.path.insert(0, '.')\n"
        "extensions = ['headrace.sphinx']\nheadrace_app = ['shop']\n",
        "utf-8",
    )
    (folder / "index.rst").write_text(f"Title\n=====\n\n{text}\n", "utf-8")
    return folder


def build(folder: Path, builder: str = "html") -> subprocess.CompletedProcess[str]:
    """Build the project; a warning is an error."""
    return run("-m", "sphinx", "-W", "-q", "-b", builder, ".", "out", cwd=folder)


def test_directive_draws_a_flow_in_html(tmp_path: Path) -> None:
    """The page holds the SVG itself."""
    pytest.importorskip("sphinx")
    folder = sphinx_project(tmp_path, ".. headrace-graph:: orders")
    done = build(folder)
    assert (done.returncode, done.stderr) == (0, "")
    page = (folder / "out" / "index.html").read_text("utf-8")
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert "<title>receive\nshop.py:5" in page
    assert "└──" not in page


def built_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    """Build the project in this process; return Sphinx's application and its warnings."""
    application = pytest.importorskip("sphinx.application")
    docutils = pytest.importorskip("sphinx.util.docutils")
    (folder / "conf.py").write_text("extensions = ['headrace.sphinx']\n", "utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(registry, "declared", {})
    words = (str(folder), str(folder), str(folder / "out"), str(folder / "trees"), "html")
    told = io.StringIO()
    with docutils.patch_docutils(), docutils.docutils_namespace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Sphinx's own
        app = application.Sphinx(*words, status=None, warning=told)
        app.build()
    sys.modules.pop("shop", None)
    return app, told.getvalue()


def test_directive_notes_what_it_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is built again when a module of the flow has changed."""
    text = ".. headrace-graph::\n   :app: shop\n   :all:\n   :focus: ship"
    app, told = built_here(sphinx_project(tmp_path, text), monkeypatch)
    assert told == ""
    found = {str(tmp_path / path) for path in app.env.dependencies["index"]}
    assert str(tmp_path / "shop.py") in found


def test_directive_without_a_flow_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is told with the place of the directive, and the rest is built."""
    folder = sphinx_project(tmp_path, ".. headrace-graph::\n   :app: shop\n\nThe end.")
    _, told = built_here(folder, monkeypatch)
    assert (
        "index.rst:4: ERROR: headrace-graph: no flow is named; name one, or use the option :all:"
        in told
    )
    assert "The end." in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_directive_draws_a_tree_elsewhere(tmp_path: Path) -> None:
    """Where there is no HTML the flow is a tree."""
    pytest.importorskip("sphinx")
    folder = sphinx_project(
        tmp_path, ".. headrace-graph::\n   :all:\n   :focus: ship\n   :depth: 0"
    )
    done = build(folder, "text")
    assert (done.returncode, done.stderr) == (0, "")
    page = (folder / "out" / "index.txt").read_text("utf-8")
    assert "ship  Send it off." in page
    assert "receive" not in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".. headrace-graph:: nope", "no flow named 'nope' is declared"),
        (".. headrace-graph::", "no flow is named; name one, or use the option :all:"),
        (".. headrace-graph:: orders\n   :focus: x", "no step named 'x'"),
        (".. headrace-graph:: orders\n   :app: absent", "cannot import 'absent'"),
    ],
)
def test_directive_tells_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    """A wrong directive is an error of the page, with its line."""
    pytest.importorskip("sphinx")
    done = build(sphinx_project(tmp_path, text))
    assert done.returncode != 0
    assert message in done.stderr
    assert "index.rst:4" in done.stderr
    assert "Traceback" not in done.stderr


def blocks(language: str, heading: str) -> list[str]:
    """Return the code blocks of a language under a heading of docs/howto/pictures.md."""
    section = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_recipe_for_mkdocs_works_as_it_stands(tmp_path: Path) -> None:
    """The files of the page, taken as they are, make a site with the drawing in it."""
    pytest.importorskip("mkdocs")
    (hook,) = blocks("python", "MkDocs")
    (settings,) = blocks("yaml", "MkDocs")
    (page,) = blocks("markdown", "MkDocs")
    (tmp_path / "docs").mkdir()
    (tmp_path / "shop.py").write_text(FLOWS, "utf-8")
    (tmp_path / "docs_hooks.py").write_text(hook, "utf-8")
    (tmp_path / "mkdocs.yml").write_text("site_name: Shop\n" + settings, "utf-8")
    (tmp_path / "docs" / "index.md").write_text(page, "utf-8")
    done = run("-m", "mkdocs", "build", "--strict", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    assert (site / "orders.svg").read_text("utf-8").startswith("<svg")
    assert 'src="orders.svg"' in (site / "index.html").read_text("utf-8")
