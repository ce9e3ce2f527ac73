"""Sphinx settings."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "pictures"))
headrace_app = ["shop"]

_CORE = Path(__file__).parents[1] / "packages" / "core" / "pyproject.toml"

project = "headrace"
author = "The headrace authors"
copyright = f"2026, {author}"  # noqa: A001 - the name that Sphinx reads
release = tomllib.loads(_CORE.read_text(encoding="utf-8"))["project"]["version"]
version = release.rpartition(".")[0]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "headrace.sphinx"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
napoleon_use_ivar = True  # the attributes themselves are listed, too
nitpicky = False

html_theme = "furo"
html_title = f"headrace {release}"
pygments_dark_style = "github-dark"  # furo's default underlines module names like links
html_static_path = ["_static"]
html_css_files = ["phone.css"]


def write_llms_txt(app: Sphinx, exception: Exception | None) -> None:
    """Write ``llms.txt``: every page in the order of the table of contents, as a Markdown list."""
    if exception is not None or app.builder.format != "html":
        return
    lines = [f"# {project}", "", "One correlation ID in every log line, and flows drawn from code."]
    pages = ["index"]
    while pages:
        page = pages.pop(0)
        below = app.env.toctree_includes.get(page, [])
        pages[:0] = below
        title = app.env.titles[page].astext()
        lines += ["", f"## {title}", ""] if below else []
        lines.append(f"- [{title}]({app.builder.get_target_uri(page)})")
    Path(app.outdir, "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect what this documentation adds to Sphinx."""
    app.connect("build-finished", write_llms_txt)
