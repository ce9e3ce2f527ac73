"""Keep ``python -m headrace`` from importing modules of the working directory.

With ``-m``, Python searches that directory before its own library, so an ``argparse.py`` there
would run, even in an untrusted project that ``headrace check`` only reads. ``headrace graph`` adds
the directory itself. This module is imported before everything else and imports only built-in
modules: even ``__future__`` is a file.
"""

import sys

_FLAGS = "bBdEhiIOPqRsStuvVx"


def _is_own_module(words: list[str]) -> bool:
    """Return whether Python's command line `words` contains ``-m headrace``."""
    for word, following in zip(words[1:], [*words[2:], ""], strict=True):
        flags, found, name = word.partition("m")
        if found and flags.startswith("-") and not flags[1:].strip(_FLAGS):
            return (name or following) in {"headrace", "headrace.__main__"}
    return False


# sys.argv[0] is "-m" until Python has imported the package.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and _is_own_module(sys.orig_argv):
    del sys.path[0]
