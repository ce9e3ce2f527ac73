"""Sphinx settings."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

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
