"""A Sphinx extension with the directive ``headrace-graph``, which draws flows.

Its arguments are the names of flows, quoted if they contain spaces; several flows are drawn as a
map. Its options are ``app`` (modules to import in addition to ``headrace_app`` in ``conf.py``),
``all`` (a map of all flows), and ``focus`` and ``depth`` (only the neighbourhood of a step).

In ``conf.py``, set ``extensions = ["headrace.sphinx"]`` and ``headrace_app = ["shop.flows"]``. The
extension needs the extra ``headrace[sphinx]``.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ._cli.errors import CommandError
from ._cli.modules import import_modules
from ._drawing import Picture, focused, render
from ._errors import UnknownFlowError
from ._flows.draw import picture_of
from ._flows.registry import all_flows, get_flow
from ._messages.extras import missing_extra

try:
    from docutils import nodes
    from docutils.parsers.rst import directives
    from sphinx import addnodes
    from sphinx.util.docutils import SphinxDirective
except ModuleNotFoundError as _error:
    raise missing_extra("headrace.sphinx", "Sphinx", '"headrace[sphinx]"', _error) from _error

if TYPE_CHECKING:
    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

__all__ = ["setup"]

_BEFORE = '<div class="headrace-graph" style="overflow-x: auto">'


class _GraphDirective(SphinxDirective):
    """Draws flows: as SVG in HTML, as a tree in all other formats."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {  # noqa: RUF012 - as docutils declares it
        "app": directives.unchanged_required,
        "all": directives.flag,
        "focus": directives.unchanged_required,
        "depth": directives.nonnegative_int,
    }

    def run(self) -> list[Node]:
        """Return the drawing."""
        try:
            picture = self._picture()
        except (CommandError, UnknownFlowError, ValueError) as error:
            raise self.error(f"headrace-graph: {error}") from error
        for node in picture.nodes:
            if node.info is not None and Path(node.info.file).is_file():
                self.env.note_dependency(node.info.file)
        svg = f"{_BEFORE}\n{render(picture, 'svg')}\n</div>"
        text = addnodes.only(expr="not html")
        text += nodes.literal_block("", render(picture, "text"), language="none")
        return [nodes.raw("", svg, format="html"), text]

    def _picture(self) -> Picture:
        modules = [*self.config.headrace_app, *shlex.split(self.options.get("app", ""))]
        import_modules(modules, [])
        names = shlex.split(self.arguments[0]) if self.arguments else []
        if "all" in self.options:
            names = [flow.name for flow in all_flows()]
        if not names:
            raise CommandError("no flow is named; name one, or use the option :all:")
        picture = picture_of([get_flow(name).graph() for name in names])
        focus = self.options.get("focus")
        return picture if focus is None else focused(picture, focus, self.options.get("depth"))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive and its setting; Sphinx calls this function.

    Args:
        app: the Sphinx application.
    """
    from importlib.metadata import version

    app.add_config_value("headrace_app", [], "env", types=(list, tuple))
    app.add_directive("headrace-graph", _GraphDirective)
    return {
        "version": version("headrace"),
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
