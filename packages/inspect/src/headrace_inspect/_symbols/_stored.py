"""The syntax of files by their content, in a form that a cache can keep."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from headrace_inspect._sources import parse

from ._reader import syntax_of
from ._syntax import ClassSyntax, Code, FileSyntax, FunctionSyntax


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
            code, functions, classes = marshal.loads(self.known[key])  # noqa: S302 - plain tuples
            self.used[key] = self.known[key]
            found = [
                FunctionSyntax._make((*one[:11], Code(*one[11]), *one[12:])) for one in functions
            ]
            return FileSyntax(
                Code(*code), tuple(found), tuple([ClassSyntax(*one) for one in classes])
            )
        made = syntax_of(parse(content))
        functions = [(*one[:11], tuple(one.code), *one[12:]) for one in made.functions]
        parts: Any = (tuple(made.code), functions, [*map(tuple, made.classes)])
        try:
            self.used[key] = marshal.dumps(parts)
        except ValueError:  # nested too deeply
            return made
        return made
