"""The syntax of files by their content, in a form that a cache can keep."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from hashlib import blake2b

from headrace_inspect._sources import parse

from ._reader import syntax_of
from ._syntax import ClassSyntax, FileSyntax, FunctionSyntax


class StoredSyntax:
    """Reads files, and takes the syntax of known ones from a cache.

    Args:
        known: the syntax of files as bytes, by digests of their contents.

    Attributes:
        used: the same for the files that were read.
    """

    def __init__(self, known: Mapping[str, bytes] | None = None) -> None:
        self.known = {} if known is None else known
        self.used: dict[str, bytes] = {}

    def read(self, content: bytes) -> FileSyntax:
        """Return the syntax of a file.

        Raises:
            UnreadableError: it is not valid syntax for the running Python version.
        """
        key = blake2b(content, digest_size=16).hexdigest()
        if key in self.known:
            body, functions, classes = marshal.loads(self.known[key])  # noqa: S302 - plain tuples
            self.used[key] = self.known[key]
            return FileSyntax(
                body,
                tuple([FunctionSyntax(*one) for one in functions]),
                tuple([ClassSyntax(*one) for one in classes]),
            )
        found = syntax_of(parse(content))
        parts = found.body, [*map(tuple, found.functions)], [*map(tuple, found.classes)]
        try:
            self.used[key] = marshal.dumps(parts)
        except ValueError:  # nested too deeply
            return found
        return found
