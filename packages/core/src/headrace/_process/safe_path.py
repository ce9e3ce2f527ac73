"""Keep ``python -m headrace`` from importing modules of the working directory.

With ``-m`` Python searches that directory before its own library, which would run the code of a
project with an ``argparse.py``, or of an untrusted one that is only checked. ``headrace graph``
searches the directory itself. This module is imported before everything else, and imports only
built-in modules: not even ``__future__``, which is a file.
"""

import sys

_FLAGS = "bBdEhiIOPqRsStuvVx"


def _is_own_module(words: list[str]) -> bool:
    """Tell whether Python's command line `words` contains ``-m headrace``."""
    for word, following in zip(words[1:], [*words[2:], ""], strict=True):
        flags, found, name = word.partition("m")
        if found and flags.startswith("-") and not flags[1:].strip(_FLAGS):
            return (name or following) in {"headrace", "headrace.__main__"}
    return False


# While Python imports a package for -m, sys.argv[0] does not hold the program's name yet.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and _is_own_module(sys.orig_argv):
    del sys.path[0]
